// A link that looks like a button: one element, so one stop of the keyboard and one thing to a screen reader.

import { Button, type ButtonProps } from "antd";
import { useHref, useLinkClickHandler } from "react-router";

type Props = Omit<ButtonProps, "href" | "onClick" | "htmlType"> & { to: string };

export function LinkButton({ to, ...rest }: Props) {
  const href = useHref(to);
  const follow = useLinkClickHandler<HTMLAnchorElement>(to);
  return (
    <Button
      {...rest}
      href={href}
      onClick={(event) => follow(event as unknown as React.MouseEvent<HTMLAnchorElement>)}
    />
  );
}
