// What snapshots say they were made with. The version is that of package.json; the test beside this file compares them.
export const PROGRAM = 'peerkeep 0.1.0';
