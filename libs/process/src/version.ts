// Which version the programs are. It is that of package.json; the test beside this file compares them.
export const VERSION = '0.1.0';
