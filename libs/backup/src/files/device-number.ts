// The number of a device, and how Linux packs it into 64 bits. Pure.

/** Which driver, and which of its devices. */
export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/** What `rdev` of a stat says, as Linux packs it (gnu_dev_major and gnu_dev_minor of glibc). Pure. */
export function deviceNumberOf(rdev: bigint): DeviceNumber {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}

/** The inverse of deviceNumberOf. Pure. */
export function packDeviceNumber({ major, minor }: DeviceNumber): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn);
}
