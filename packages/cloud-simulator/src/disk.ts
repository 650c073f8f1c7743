/** The files of a simulated machine. They are part of its record, so they outlive the process. */

export type DiskFile = { content: string; /** Permission bits, e.g. 0o644. */ mode: number };
export type DiskFiles = Record<string, DiskFile>;

export type Disk = {
  readonly files: DiskFiles;
  read(path: string): string | undefined;
  write(path: string, content: string, mode?: number): void;
  remove(path: string): void;
  isExecutable(path: string): boolean;
  /** Paths below `folder/`, in order of name. */
  list(folder: string): string[];
};

export function createDisk(files: DiskFiles = {}): Disk {
  return {
    files,
    read: (path) => files[path]?.content,
    write(path, content, mode = 0o644) {
      files[path] = { content, mode };
    },
    remove(path) {
      delete files[path];
    },
    isExecutable: (path) => ((files[path]?.mode ?? 0) & 0o111) !== 0,
    list: (folder) =>
      Object.keys(files)
        .filter((path) => path.startsWith(`${folder}/`))
        .sort(),
  };
}
