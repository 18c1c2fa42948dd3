/**
 * Packages of the public registries that carry files a model can be made from: pinned by version and
 * digest. Their code is never run. Fetches nothing.
 */

interface Package {
  readonly name: string;
  readonly version: string;
  /** Of the whole archive. */
  readonly sha256: string;
}

/** A wheel is a zip file. `platform` is pip's name of the one that is pinned: any machine can unpack it. */
export interface WheelPackage extends Package {
  readonly kind: 'wheel';
  readonly platform: string;
}

/** A source distribution of the Python registry: a gzipped tar archive of this file name. */
export interface SourcePackage extends Package {
  readonly kind: 'sdist';
  readonly file: string;
}

/** A gzipped tar archive with everything below `package/`. */
export interface NpmPackage extends Package {
  readonly kind: 'npm';
}

export type RegistryPackage = WheelPackage | SourcePackage | NpmPackage;

export const registryPackages = {
  facenetPytorch: {
    kind: 'wheel',
    name: 'facenet-pytorch',
    version: '2.6.0',
    platform: 'any',
    sha256: 'ecb82b27beb226d106f2219efe8f829b01b87a8595badd01545679bdb9f19cca',
  },
  faceApi: {
    kind: 'npm',
    name: '@vladmandic/face-api',
    version: '1.7.15',
    sha256: '0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031',
  },
  faceRecognition: {
    kind: 'sdist',
    name: 'face-recognition',
    version: '1.3.0',
    file: 'face_recognition-1.3.0.tar.gz',
    sha256: '5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec',
  },
  matplotlib: {
    kind: 'wheel',
    name: 'matplotlib',
    version: '3.9.4',
    platform: 'manylinux2014_x86_64',
    sha256: '173ac3748acaac21afcc3fa1633924609ba1b87749006bc25051c52c422a5d00',
  },
  scikitImage: {
    kind: 'wheel',
    name: 'scikit-image',
    version: '0.24.0',
    platform: 'manylinux2014_x86_64',
    sha256: '8579bda9c3f78cb3b3ed8b9425213c53a25fa7e994b7ac01f2440b395babf660',
  },
} as const satisfies Record<string, RegistryPackage>;

/** E.g. `the wheel facenet-pytorch 2.6.0`. */
export function describePackage({ kind, name, version }: RegistryPackage): string {
  const what = { wheel: 'the wheel', sdist: 'the source distribution', npm: 'the npm package' };
  return `${what[kind]} ${name} ${version}`;
}
