// What this program calls itself.
export const PROGRAM = 'peerkeep-agent/0.1.0';
