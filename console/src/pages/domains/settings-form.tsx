// A form over part of a domain: begins with what was read, sends only what was changed, tells what was refused where it
// belongs, and shows on how many edges the change is live.

import { Button, Flex, Form } from "antd";
import { type ReactNode, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Detail, Problem } from "@/api/problem";
import { Effect } from "@/parts/effect";
import { tellFields } from "@/parts/problem";
import { Refused } from "@/parts/refused";
import { useUnsavedGuard } from "@/parts/unsaved";
import { useLogin } from "@/shell/session";
import { nothing } from "./changes";
import { type Domain, useChange, useDomain } from "./domain";

interface Props<V> {
  name: string;
  read: (domain: Domain) => V;
  patch: (before: V, after: V) => object; // of the domain
  under?: string[]; // where in the domain the form is
  ask?: (before: V, after: V) => Promise<boolean>; // before it is sent
  children: ReactNode;
}

interface BodyProps<V> extends Props<V> {
  before: V;
  onEdit: (unsaved: boolean) => void;
  onSend: (patch: object, whenRefused: (error: unknown) => Detail[]) => void;
}

// Its own component, so that a new revision begins a new form.
function Body<V extends object>({ name, before, patch, under = [], ask, onEdit, onSend, children }: BodyProps<V>) {
  const mayWrite = useLogin().may_write;
  const [form] = Form.useForm<V>();
  const send = async (values: V) => {
    const change = patch(before, values);
    if (nothing(change)) return onEdit(false);
    if (ask && !(await ask(before, values))) return;
    onSend(change, (error) => tellFields(form, error, under));
  };
  return (
    <Form
      name={name}
      form={form}
      layout="vertical"
      initialValues={before}
      disabled={!mayWrite}
      scrollToFirstError={{ focus: true }}
      onValuesChange={() => onEdit(!nothing(patch(before, form.getFieldsValue())))}
      onFinish={send}
    >
      {children}
    </Form>
  );
}

export function SettingsForm<V extends object>(props: Props<V>) {
  const { name, read } = props;
  const { t } = useTranslation(["configure", "common"]);
  const { data, etag, reload } = useDomain();
  const mayWrite = useLogin().may_write;
  // What is being edited stays what it was begun from, whatever is read meanwhile.
  const [base, setBase] = useState({ data, etag, turn: 0 });
  const [unsaved, setUnsaved] = useState(false);
  const [left, setLeft] = useState<Detail[]>();
  const change = useChange();
  useUnsavedGuard(unsaved);
  if (!unsaved && base.etag !== etag) setBase({ data, etag, turn: base.turn + 1 });
  // biome-ignore lint/correctness/useExhaustiveDependencies: how it is read does not change
  const before = useMemo(() => read(base.data), [base.data]);

  const again = async () => {
    const newest = await reload();
    change.reset();
    setUnsaved(false);
    if (newest) setBase({ ...newest, turn: base.turn + 1 });
  };
  const discard = () => {
    change.reset();
    setUnsaved(false);
    setBase({ data, etag, turn: base.turn + 1 });
  };
  return (
    <>
      <Refused error={change.error} details={left} onReload={again} />
      <Body
        key={base.turn}
        {...props}
        before={before}
        onEdit={setUnsaved}
        onSend={(patch, whenRefused) => {
          setLeft(undefined);
          change.mutate(
            { patch, etag: base.etag },
            {
              onSuccess: () => setUnsaved(false),
              onError: (error) => {
                if (error instanceof Problem && error.errors.length > 0) setLeft(whenRefused(error));
              },
            },
          );
        }}
      />
      <Flex gap="middle" align="center" wrap style={{ marginTop: 16 }}>
        <Button type="primary" htmlType="submit" form={name} disabled={!mayWrite} loading={change.isPending}>
          {t("common:save")}
        </Button>
        {unsaved && <Button onClick={discard}>{t("discard")}</Button>}
        {!unsaved && <Effect change={change.data?.data.policy_change} />}
      </Flex>
    </>
  );
}
