// A chain and its key, as texts or from files: chosen, or dropped on the field. Nothing of them is kept in the browser.

import { UploadOutlined } from "@ant-design/icons";
import { Button, Form, type FormInstance, Input } from "antd";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";

export interface Pair {
  chain: string;
  key: string;
}

interface Props<T extends Pair> {
  form: FormInstance<T>;
  disabled: boolean;
  onTouched: () => void;
}

// The contract's bound on a text.
const most = 1_048_576;

export function PemFields<T extends Pair>(props: Props<T>) {
  return (
    <>
      <Pem {...props} name="chain" sample="-----BEGIN CERTIFICATE-----" />
      <Pem {...props} name="key" sample="-----BEGIN PRIVATE KEY-----" />
    </>
  );
}

function Pem<T extends Pair>({
  form,
  disabled,
  onTouched,
  name,
  sample,
}: Props<T> & { name: "chain" | "key"; sample: string }) {
  const { t } = useTranslation("security");
  const picker = useRef<HTMLInputElement>(null);
  const [from, setFrom] = useState<string>();
  const take = async (file: File | undefined) => {
    if (!file) return;
    const fields = form as FormInstance;
    if (file.size > most) {
      fields.setFields([{ name, errors: [t("pem.too-large")] }]);
      return;
    }
    fields.setFieldValue(name, await file.text());
    fields.setFields([{ name, errors: [] }]);
    setFrom(file.name);
    onTouched();
  };
  return (
    <div style={{ marginBottom: 24 }}>
      <Form.Item
        name={name}
        label={t(`pem.${name}`)}
        extra={t(`pem.${name}-about`)}
        rules={[
          { required: true, message: t(`pem.${name}-missing`) },
          { pattern: /-----BEGIN /, message: t("pem.not-pem") },
        ]}
        style={{ marginBottom: 8 }}
      >
        <Input.TextArea
          rows={name === "chain" ? 8 : 5}
          placeholder={sample}
          autoComplete="off"
          spellCheck={false}
          disabled={disabled}
          style={{ fontFamily: "monospace" }}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            const file = event.dataTransfer.files[0];
            if (!file || disabled) return;
            event.preventDefault();
            void take(file);
          }}
        />
      </Form.Item>
      <input
        ref={picker}
        type="file"
        className="visually-hidden"
        tabIndex={-1} // the button beside it is the way there
        aria-hidden
        accept=".pem,.crt,.cer,.key,.txt"
        onChange={(event) => {
          void take(event.target.files?.[0]);
          event.target.value = ""; // the same file can be chosen again
        }}
      />
      <Button icon={<UploadOutlined aria-hidden />} disabled={disabled} onClick={() => picker.current?.click()}>
        {t(`pem.${name}-file`)}
      </Button>{" "}
      <span role="status">{from && t("pem.from", { file: from })}</span>
    </div>
  );
}
