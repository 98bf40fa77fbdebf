// A dialog that is there while it is open. Where it was opened from has the focus again when it is gone: a component that is
// taken away gives nothing back by itself.

import { Modal, type ModalProps } from "antd";
import { useEffect, useState } from "react";

export function Dialog(props: Omit<ModalProps, "open" | "mask">) {
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      requestAnimationFrame(() => {
        // Unless it is somewhere already, as in a dialog that follows this one.
        const nowhere = document.activeElement === document.body || !document.activeElement?.isConnected;
        if (nowhere && before instanceof HTMLElement) before.focus();
      });
    },
    [before],
  );
  return <Modal {...props} open mask={{ closable: false }} />;
}
