// What carries datagrams to the neighbours and back, as a port.

/** Where a datagram came from, for an answer to it alone. */
export interface LanOrigin {
  readonly family: 'ipv4' | 'ipv6';
  /** With its zone where it is of link-local scope. */
  readonly address: string;
  readonly port: number;
}

export type OnDatagram = (datagram: Uint8Array, from: LanOrigin) => void;

export abstract class LanMedium {
  /** False when this machine cannot take part: somebody else has the port for itself. */
  abstract open(onDatagram: OnDatagram): Promise<boolean>;
  /** To everybody, on every interface; what gets lost is lost. Own datagrams may come back. */
  abstract send(datagram: Uint8Array): void;
  abstract reply(datagram: Uint8Array, to: LanOrigin): void;
  abstract close(): Promise<void>;
}
