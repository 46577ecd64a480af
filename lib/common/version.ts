/** The version of this package; a test holds it to `package.json`. @publicApi */
export const VERSION = '0.1.0';
