#include "control/delivery/notices.h"

#include <fmt/format.h>

#include <set>

#include "base/clock.h"
#include "control/delivery/notice_texts.h"
#include "control/secrets.h"

namespace fairlead::control {

using base::Code;
using base::Result;
using base::Side;
using nlohmann::json;

namespace {

// A subject whose values are missing still says what the mail is about.
std::string subject_of(std::string_view text, const json& values, std::string_view type) {
  std::string subject = fill_in(text, values);
  return subject.empty() ? std::string(type) : subject;
}

// What is not UTF-8 becomes U+FFFD: a notice with a sign too many is better than a change that fails for one.
std::string dump(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace); }

// What the seal of a mail is bound to.
std::string about(const std::string& address) { return "mail:" + address; }

Result<void> put(store::Transaction& tx, store::NoticeKind kind, const std::string& destination, const json& payload,
                 std::int64_t now_ms) {
  store::Notice notice;
  notice.kind = kind;
  notice.destination = destination;
  notice.payload = dump(payload);
  auto written = store::insert_notice(tx, std::move(notice), now_ms);
  if (!written) return std::unexpected(std::move(written.error()));
  return {};
}

}  // namespace

Result<void> write_notices(store::Transaction& tx, const model::ControlConfig& config, const Secrets& secrets,
                           const Event& event, std::int64_t now_ms) {
  const NoticeText* text = notice_text(event.type);
  if (!text || !event.data.is_object())
    return base::fail(Code::malformed, Side::none,
                      fmt::format("no event is '{}', or its data is no object", event.type));
  json values = event.data;
  values["account"] = event.account_name;
  const std::string subject_en = subject_of(text->subject_en, values, event.type);
  const std::string subject_zh = subject_of(text->subject_zh, values, event.type);
  const std::set<std::string> recipients(event.mail_to.begin(), event.mail_to.end());

  if (!config.mail.server.empty()) {
    std::string body = fill_in(text->body_en, values) + "\n-- -- --\n\n" + fill_in(text->body_zh, values);
    if (!config.public_url.empty()) body += "\n" + config.public_url + "\n";
    const json mail = {{"subject", subject_en + " / " + subject_zh}, {"text", body}};
    for (const std::string& address : recipients) {
      const json kept = event.data.contains("link") ? json{{"sealed", secrets.seal(dump(mail), about(address))}} : mail;
      if (auto ok = put(tx, store::NoticeKind::email, address, kept, now_ms); !ok) return ok;
    }
  }
  json document = {{"type", event.type},
                   {"time", base::format_utc_ms(now_ms)},
                   {"account", {{"id", event.account_id}, {"name", event.account_name}}},
                   {"recipients", recipients},
                   {"summary", {{"en", subject_en}, {"zh", subject_zh}}},
                   {"data", event.data}};
  document["data"].erase("link");  // whoever has it becomes the user
  for (const model::WebhookConfig& webhook : config.webhooks) {
    if (webhook.url.empty()) continue;
    if (auto ok = put(tx, store::NoticeKind::webhook, webhook.url, document, now_ms); !ok) return ok;
  }
  return {};
}

Result<MailText> read_mail_notice(const store::Notice& notice, const Secrets& secrets) {
  json payload = json::parse(notice.payload, nullptr, false);
  if (payload.is_object() && payload.contains("sealed") && payload["sealed"].is_string()) {
    auto opened = secrets.open_sealed(payload["sealed"].get<std::string>(), about(notice.destination));
    if (!opened) return std::unexpected(std::move(opened.error()));
    payload = json::parse(*opened, nullptr, false);
  }
  MailText mail;
  for (auto [name, field] : {std::pair("subject", &mail.subject), std::pair("text", &mail.text)}) {
    if (!payload.is_object() || !payload.contains(name) || !payload[name].is_string())
      return base::fail(Code::malformed, Side::none, "the notice holds no mail");
    *field = payload[name].get<std::string>();
  }
  return mail;
}

}  // namespace fairlead::control
