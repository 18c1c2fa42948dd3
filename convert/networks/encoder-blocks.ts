/** The blocks that InceptionResnetV1 repeats, as facenet-pytorch defines them. Knows no weights. */

/** Kernel as [height, width] or the side of a square; stride 1 keeps the size, stride 2 never pads. */
export interface Convolution {
  readonly name: string;
  readonly outputs: number;
  readonly kernel: number | readonly [number, number];
  readonly stride?: number;
  /** A convolution with stride 1 that gives up the border, as those of the stem do. */
  readonly shrink?: boolean;
}

/** Every branch starts from the block's input; their results are joined. */
export type Branches = readonly (readonly Convolution[])[];

export const block35: Branches = [
  [{ name: 'branch0', outputs: 32, kernel: 1 }],
  [
    { name: 'branch1.0', outputs: 32, kernel: 1 },
    { name: 'branch1.1', outputs: 32, kernel: 3 },
  ],
  [
    { name: 'branch2.0', outputs: 32, kernel: 1 },
    { name: 'branch2.1', outputs: 32, kernel: 3 },
    { name: 'branch2.2', outputs: 32, kernel: 3 },
  ],
];
export const block17: Branches = [
  [{ name: 'branch0', outputs: 128, kernel: 1 }],
  [
    { name: 'branch1.0', outputs: 128, kernel: 1 },
    { name: 'branch1.1', outputs: 128, kernel: [1, 7] },
    { name: 'branch1.2', outputs: 128, kernel: [7, 1] },
  ],
];
export const block8: Branches = [
  [{ name: 'branch0', outputs: 192, kernel: 1 }],
  [
    { name: 'branch1.0', outputs: 192, kernel: 1 },
    { name: 'branch1.1', outputs: 192, kernel: [1, 3] },
    { name: 'branch1.2', outputs: 192, kernel: [3, 1] },
  ],
];
/** The blocks that halve the size also take the maximum of their input as their last branch. */
export const mixed6a: Branches = [
  [{ name: 'branch0', outputs: 384, kernel: 3, stride: 2 }],
  [
    { name: 'branch1.0', outputs: 192, kernel: 1 },
    { name: 'branch1.1', outputs: 192, kernel: 3 },
    { name: 'branch1.2', outputs: 256, kernel: 3, stride: 2 },
  ],
];
export const mixed7a: Branches = [
  [
    { name: 'branch0.0', outputs: 256, kernel: 1 },
    { name: 'branch0.1', outputs: 384, kernel: 3, stride: 2 },
  ],
  [
    { name: 'branch1.0', outputs: 256, kernel: 1 },
    { name: 'branch1.1', outputs: 256, kernel: 3, stride: 2 },
  ],
  [
    { name: 'branch2.0', outputs: 256, kernel: 1 },
    { name: 'branch2.1', outputs: 256, kernel: 3 },
    { name: 'branch2.2', outputs: 256, kernel: 3, stride: 2 },
  ],
];
