// Puts a file into the user's hands.

export function saveUrl(url: string, name: string) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

export function saveBlob(blob: Blob, name: string) {
  const url = URL.createObjectURL(blob);
  saveUrl(url, name);
  // Not before the browser has begun with it.
  window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// "fairlead-bandwidth-20261120T1000Z-20261121T1000Z.csv"
export function fileName(kind: string, start: string, end: string, extension: string): string {
  const short = (time: string) => time.replace(/[-:]/g, "").replace(/(T\d{4})\d\dZ$/, "$1Z");
  return `fairlead-${kind}-${short(start)}-${short(end)}.${extension}`;
}
