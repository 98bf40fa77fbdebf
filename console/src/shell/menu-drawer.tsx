import { Drawer } from "antd";
import type { ReactNode } from "react";

// The menu of a narrow window.
export default function MenuDrawer(props: { open: boolean; onClose: () => void; children: ReactNode }) {
  return <Drawer placement="left" size={272} title="Fairlead" styles={{ body: { padding: 0 } }} {...props} />;
}
