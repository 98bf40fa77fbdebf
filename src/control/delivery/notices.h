#pragma once
// Notices: what people and other systems are told of (R15): written into the outbox inside the transaction of the
// change itself, so that both are there or neither is. OutboxSender (sender.h) takes them from there. After the commit,
// call Context::notice_written.
//
// A mail with a link that lets somebody in is kept sealed (secrets.h): a copy of the database lets nobody in.
//
// For each event one e-mail to each address (its text, in English and in Chinese, is in notice_texts.cc), if a mail
// server is configured; and one notice to each configured webhook, the event's document:
//
//   {"type": "application.approved", "time": "2026-03-01T12:00:00.123Z", "account": {"id": ..., "name": ...},
//    "recipients": [MAIL ADDRESSES], "summary": {"en": ..., "zh": ...}, "data": {...}}

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/control_config.h"
#include "store/outbox.h"
#include "store/transaction.h"

namespace fairlead::control {

class Secrets;

// `data` by type, all texts; what is absent is left out of the e-mail with its line:
//   application.submitted    application, kind ("activation" | "architecture_change"), domain
//   application.approved     the same, reason
//   application.rejected     the same, reason
//   certificate.expiring     certificate (its name), names, expires, days
//   domain.check_failed      domain, reason
//   domain.online            domain
//   billing.method_changed   method ("traffic" | "bandwidth"), period ("day" | "month"), effective
//   billing.change_pending   the same
//   bill.issued              bill (its number), period, from, to, amount
//   pack.bought              pack (its id), name, bytes, remaining, until, price
//   pack.ending, pack.used_up, pack.expired   pack, name, bytes, remaining, until
//   user.invited             email, role, expires, link: the link goes into the e-mail alone, never to a webhook
struct Event {
  std::string type;
  std::string account_id;
  std::string account_name;
  std::vector<std::string> mail_to;  // each is told once
  nlohmann::json data = nlohmann::json::object();
};

// malformed when the type is none of the above or `data` is no object; else as store/database.h says. `secrets` are
// those that the sender opens mails with.
base::Result<void> write_notices(store::Transaction& tx, const model::ControlConfig& config, const Secrets& secrets,
                                 const Event& event, std::int64_t now_ms);

// What a mail in the outbox says: {"subject": ..., "text": ...}. malformed when it is none; forbidden when it was
// sealed with another key or for another address.
struct MailText {
  std::string subject, text;
};
base::Result<MailText> read_mail_notice(const store::Notice& notice, const Secrets& secrets);

}  // namespace fairlead::control
