// Regions and ISPs: where clients were, by what went to them.

import { DownloadOutlined } from "@ant-design/icons";
import { useMutation } from "@tanstack/react-query";
import { Button, Card, Flex, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/api/client";
import { bytes, count, percent } from "@/parts/format";
import { ProblemAlert } from "@/parts/problem";
import { WideTable } from "@/parts/wide-table";
import { useZone } from "../account-zone";
import { fileName, saveBlob } from "../chart/save";
import { regionName, unknownPlace } from "../controls/places";
import { type Answered, csvOf, type PlaceGroup, useStatistics } from "../data";
import type { Basis, Filters } from "../filters";
import { Choice, Heading, ShareBar } from "./parts";
import { View } from "./view";

type Answer = Schemas["PlaceStatistics"];
type Item = Answer["items"][number];

interface Props {
  filters: Filters;
  onChange: (change: Partial<Filters>) => void;
}

export default function PlacesTab({ filters, onChange }: Props) {
  const [group, setGroup] = useState<PlaceGroup>("region_and_isp");
  const query = useStatistics("regions-and-isps", { ...filters, interval: undefined }, { places: group });
  return (
    <View query={query}>
      {(data) => (
        <Shown
          data={data}
          stale={query.isPlaceholderData}
          filters={filters}
          onChange={onChange}
          group={group}
          onGroup={setGroup}
        />
      )}
    </View>
  );
}

interface ShownProps extends Props {
  data: Answered<Answer>;
  stale: boolean;
  group: PlaceGroup;
  onGroup: (group: PlaceGroup) => void;
}

function Shown({ data, stale, filters, onChange, group, onGroup }: ShownProps) {
  const { t } = useTranslation("monitor");
  const zone = useZone();
  const { answer } = data;
  const wire = answer.basis === "wire";
  const out = (item: Item) => (wire ? item.wire_bytes_out : item.bytes_out);
  const into = (item: Item) => (wire ? item.wire_bytes_in : item.bytes_in);
  const saved = useMutation({
    mutationFn: () => csvOf("regions-and-isps", { ...filters, interval: undefined }, zone, { places: group }),
    onSuccess: (blob) => saveBlob(blob, fileName("regions-and-isps", answer.start_time, answer.end_time, "csv")),
  });

  // A place is a filter of its own: everything else about it is one press away.
  const place = (of: "region" | "isp") => ({
    title: t(of),
    key: of,
    width: 220,
    sorter: (a: Item, b: Item) => (a[of] ?? "").localeCompare(b[of] ?? ""),
    render: (_: unknown, item: Item) => {
      const code = item[of] ?? "";
      const name = code === unknownPlace ? t("unknown") : of === "region" ? regionName(code) : code;
      return (
        <Button
          type="link"
          size="small"
          style={{ padding: 0 }}
          aria-label={t("filter-by", { place: name })}
          onClick={() => onChange({ [of]: code })}
        >
          {name}
        </Button>
      );
    },
  });
  const number = (title: string, key: string, of: (item: Item) => number, shown: (n: number) => string) => ({
    title,
    key,
    width: 140,
    align: "end" as const,
    sorter: (a: Item, b: Item) => of(a) - of(b),
    render: (_: unknown, item: Item) => shown(of(item)),
  });
  return (
    <Card styles={{ body: { padding: 16 } }} aria-busy={stale} style={{ opacity: stale ? 0.6 : 1 }}>
      <Flex justify="space-between" gap="small" wrap style={{ marginBottom: 12 }}>
        <Heading>{t("places-title")}</Heading>
        <Flex gap="small" wrap>
          <Choice<PlaceGroup>
            label={t("by")}
            value={group}
            options={(["region_and_isp", "region", "isp"] as const).map((value) => ({
              value,
              label: t(`place-groups.${value}`),
            }))}
            onChange={onGroup}
          />
          <Select<Basis>
            aria-label={t("basis")}
            value={filters.basis}
            onChange={(basis) => onChange({ basis })}
            popupMatchSelectWidth={false}
            options={[
              { value: "frames", label: t("basis-frames") },
              { value: "wire", label: t("basis-wire") },
            ]}
          />
          <Button icon={<DownloadOutlined aria-hidden />} loading={saved.isPending} onClick={() => saved.mutate()}>
            CSV
          </Button>
        </Flex>
      </Flex>
      <ProblemAlert error={saved.error} />
      <WideTable<Item>
        key={answer.group}
        aria-label={t("places-title")}
        size="small"
        rowKey="rank"
        dataSource={answer.items}
        locale={{ emptyText: t("nothing") }}
        pagination={{ defaultPageSize: 50, hideOnSinglePage: true, showSizeChanger: false, size: "small" }}
        width={1000}
        columns={[
          { title: t("rank"), dataIndex: "rank", width: 80, align: "end", sorter: (a, b) => a.rank - b.rank },
          ...(answer.group === "isp" ? [] : [place("region")]),
          ...(answer.group === "region" ? [] : [place("isp")]),
          {
            ...number(t("traffic-out"), "out", out, bytes),
            width: 200,
            align: "start",
            render: (_, item) => (
              <ShareBar share={item.share / 10_000}>
                {t("bytes-and-share", { bytes: bytes(out(item)), share: percent(item.share / 10_000) })}
              </ShareBar>
            ),
          },
          number(t("traffic-in"), "in", into, bytes),
          number(t("messages-out"), "messages out", (item) => item.messages_out ?? 0, count),
          number(t("messages-in"), "messages in", (item) => item.messages_in ?? 0, count),
          number(t("opened"), "opened", (item) => item.sessions_opened ?? 0, count),
        ]}
      />
    </Card>
  );
}
