/** The version of this package; a test compares it with `package.json`. @publicApi */
export const VERSION = '0.1.0';
