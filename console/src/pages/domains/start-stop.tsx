// Brings a domain online and takes it offline. What is missing is shown where it can be mended.

import { PauseCircleOutlined, PlayCircleOutlined } from "@ant-design/icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Button } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api } from "@/api/client";
import { gotWithTag, Problem } from "@/api/problem";
import { Effect } from "@/parts/effect";
import { LinkButton } from "@/parts/link-button";
import { useLogin } from "@/shell/session";
import { useDanger } from "./danger";
import { type Domain, domainKey, settingsOf, useTake } from "./domain";

export function StartStop({ name, domain }: { name: string; domain: Domain }) {
  const { t } = useTranslation(["configure", "common", "domains"]);
  const { message } = App.useApp();
  const mayWrite = useLogin().may_write;
  const queries = useQueryClient();
  const navigate = useNavigate();
  const take = useTake(name);
  const ask = useDanger();
  const params = { params: { path: { domain: name } } };

  const failed = (error: unknown) => {
    const problem = error instanceof Problem ? error : undefined;
    // A start that cannot be has made the state `check_failed`.
    void queries.invalidateQueries({ queryKey: domainKey(name) });
    if (problem?.code === "gates_unmet") navigate(`/domains/${encodeURIComponent(name)}/going-live`);
    message.error(t(`common:problem.${problem?.code ?? "internal_error"}`, { defaultValue: problem?.detail ?? "" }));
  };
  const start = useMutation({
    mutationFn: () => gotWithTag(api.POST("/v1/domains/{domain}/start", params)),
    onSuccess: (read) => {
      take(read);
      if (read.data.state === "checking") {
        message.info(t("start.checking"));
        navigate(`/domains/${encodeURIComponent(name)}/going-live`);
      } else message.success(t("start.done"));
    },
    onError: failed,
  });
  const stop = useMutation({
    mutationFn: () => gotWithTag(api.POST("/v1/domains/{domain}/stop", params)),
    onSuccess: (read) => {
      take(read);
      message.success(t("stop.done"));
    },
    onError: failed,
  });
  const askToStop = async () => {
    const sure = await ask({
      name,
      title: t("stop.title", { name }),
      about: t("stop.about"),
      ok: t("stop.do"),
      websocket: settingsOf(domain).websocket,
    });
    if (sure) stop.mutate();
  };
  const running = domain.state === "online" || domain.state === "checking";
  const done = running ? start.data : stop.data;
  return (
    <>
      <Effect change={done?.data.policy_change} />
      <LinkButton to={`/monitor?domain=${encodeURIComponent(name)}`}>{t("domains:monitor")}</LinkButton>
      {running ? (
        <Button
          icon={<PauseCircleOutlined aria-hidden />}
          disabled={!mayWrite}
          loading={stop.isPending}
          onClick={askToStop}
        >
          {t("stop.do")}
        </Button>
      ) : (
        <Button
          type="primary"
          icon={<PlayCircleOutlined aria-hidden />}
          disabled={!mayWrite}
          loading={start.isPending}
          onClick={() => start.mutate()}
        >
          {t("start.do")}
        </Button>
      )}
    </>
  );
}
