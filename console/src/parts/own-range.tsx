// A range of times of one's own. What it is picked with is heavy and seldom used: a button, until there is such a range or one
// is asked for.

import { CalendarOutlined } from "@ant-design/icons";
import { Button, Skeleton } from "antd";
import { type ReactNode, Suspense, useState } from "react";

interface Props {
  label: string;
  chosen: boolean; // there is one
  children: (opened: boolean) => ReactNode; // the picker, loaded when it is drawn; opened: it was asked for just now
}

export function OwnRange({ label, chosen, children }: Props) {
  const [asked, setAsked] = useState(false);
  if (!chosen && !asked)
    return (
      <Button icon={<CalendarOutlined />} onClick={() => setAsked(true)}>
        {label}
      </Button>
    );
  return <Suspense fallback={<Skeleton.Input active style={{ width: 320 }} />}>{children(asked)}</Suspense>;
}
