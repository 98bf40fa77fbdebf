// What the API refused, told where it belongs: at the fields of a form that it names, and above them what it names no field of.

import { Alert, Button, type FormInstance } from "antd";
import { useTranslation } from "react-i18next";
import { type Detail, Problem } from "@/api/problem";
import { saying } from "@/i18n/saying";

type Path = (string | number)[];

// "/settings/origins/0/host" as Ant Design names a field. Digits are places in a list.
export function pathOf(pointer: string): Path {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

// Puts each detail at its field; gives back those that no field of the form has. `under`: where in the body the form is.
export function tellFields(form: FormInstance, error: unknown, under: Path = []): Detail[] {
  if (!(error instanceof Problem)) return [];
  const left: Detail[] = [];
  const said = new Map<string, { name: Path; errors: string[] }>();
  for (const detail of error.errors) {
    const path = detail.pointer.startsWith("/") ? pathOf(detail.pointer) : [];
    const inside = under.every((part, i) => path[i] === part) ? path.slice(under.length) : [];
    let name = inside;
    while (name.length > 0 && form.getFieldInstance(name) === undefined) name = name.slice(0, -1);
    if (name.length === 0) {
      left.push(detail);
      continue;
    }
    const key = JSON.stringify(name);
    const entry = said.get(key) ?? { name, errors: [] };
    entry.errors.push(saying(detail));
    said.set(key, entry);
  }
  form.setFields([...said.values()]);
  const first = said.values().next().value;
  if (first) form.scrollToField(first.name, { block: "center", focus: true });
  return left;
}

interface Props {
  error: unknown;
  details?: Detail[]; // those to be told here; absent: all
  onRetry?: () => void;
}

export function ProblemAlert({ error, details, onRetry }: Props) {
  const { t } = useTranslation();
  if (!error) return null;
  const problem = error instanceof Problem ? error : new Problem(0, "internal_error", String(error));
  const told = details ?? problem.errors;
  const title = t(`problem.${problem.code}`, { defaultValue: "" }) || problem.detail || t("problem.internal_error");
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      title={title}
      description={
        told.length > 0 ? (
          <ul style={{ margin: 0, paddingInlineStart: 20 }}>
            {told.map((d) => (
              <li key={`${d.pointer} ${d.code} ${d.message}`}>
                {d.pointer && <code>{d.pointer}</code>} {saying(d)}
              </li>
            ))}
          </ul>
        ) : problem.detail && problem.detail !== title ? (
          problem.detail
        ) : undefined
      }
      action={onRetry && <Button onClick={onRetry}>{t("retry")}</Button>}
      style={{ marginBottom: 16 }}
    />
  );
}
