#include "control/delivery/notice_texts.h"

#include <algorithm>
#include <array>
#include <optional>

namespace fairlead::control {

namespace {

constexpr std::array kTexts = {
    NoticeText{"application.submitted", "A new application from {account}", "{account} 提交了新的申请",
               "{account} has submitted an application.\n"
               "Kind: {kind}\n"
               "Domain: {domain}\n"
               "Application: {application}\n"
               "\n"
               "It waits for a decision.\n",
               "{account} 提交了一份申请。\n"
               "类型：{kind}\n"
               "域名：{domain}\n"
               "申请编号：{application}\n"
               "\n"
               "该申请正在等待审核。\n"},
    NoticeText{"application.approved", "Your application has been approved", "您的申请已通过",
               "Your application has been approved.\n"
               "Kind: {kind}\n"
               "Domain: {domain}\n"
               "Application: {application}\n"
               "Remark: {reason}\n"
               "\n"
               "The WebSocket settings can be used now.\n",
               "您的申请已通过审核。\n"
               "类型：{kind}\n"
               "域名：{domain}\n"
               "申请编号：{application}\n"
               "备注：{reason}\n"
               "\n"
               "现在可以使用 WebSocket 设置。\n"},
    NoticeText{"application.rejected", "Your application has been rejected", "您的申请未通过",
               "Your application has been rejected.\n"
               "Kind: {kind}\n"
               "Domain: {domain}\n"
               "Application: {application}\n"
               "Reason: {reason}\n"
               "\n"
               "You can apply again once the reason no longer holds.\n",
               "您的申请未通过审核。\n"
               "类型：{kind}\n"
               "域名：{domain}\n"
               "申请编号：{application}\n"
               "原因：{reason}\n"
               "\n"
               "解决上述问题后，您可以重新提交申请。\n"},
    NoticeText{"certificate.expiring", "The certificate {certificate} is about to expire",
               "证书 {certificate} 即将过期",
               "A certificate is about to expire.\n"
               "Certificate: {certificate}\n"
               "Names: {names}\n"
               "Expires: {expires}\n"
               "Days left: {days}\n"
               "\n"
               "Upload a new one before then: clients will refuse to connect afterwards.\n",
               "一份证书即将过期。\n"
               "证书：{certificate}\n"
               "域名：{names}\n"
               "过期时间：{expires}\n"
               "剩余天数：{days}\n"
               "\n"
               "请在此之前上传新证书，否则过期后客户端将拒绝连接。\n"},
    NoticeText{"domain.check_failed", "The check of {domain} has failed", "域名 {domain} 检查失败",
               "The check of a domain has failed.\n"
               "Domain: {domain}\n"
               "Reason: {reason}\n",
               "域名检查失败。\n"
               "域名：{domain}\n"
               "原因：{reason}\n"},
    NoticeText{"domain.online", "{domain} is online", "域名 {domain} 已上线",
               "The domain is online.\n"
               "Domain: {domain}\n",
               "域名已上线。\n"
               "域名：{domain}\n"},
    NoticeText{"billing.method_changed", "A billing method is in effect", "计费方式已生效",
               "A billing method is in effect for {account}.\n"
               "Billed by: {method}\n"
               "Paid by the: {period}\n"
               "From: {effective}\n",
               "{account} 的计费方式已生效。\n"
               "计费方式：{method}\n"
               "结算周期：{period}\n"
               "生效时间：{effective}\n"},
    NoticeText{"billing.change_pending", "Your billing method will change", "计费方式即将变更",
               "The billing method of {account} will change.\n"
               "Billed by: {method}\n"
               "Paid by the: {period}\n"
               "From: {effective}\n"
               "\n"
               "Until then the change can be cancelled.\n",
               "{account} 的计费方式即将变更。\n"
               "计费方式：{method}\n"
               "结算周期：{period}\n"
               "生效时间：{effective}\n"
               "\n"
               "生效之前可以取消该变更。\n"},
    NoticeText{"bill.issued", "Bill {bill}: {amount}", "账单 {bill}：{amount}",
               "A bill was issued for {account}.\n"
               "Bill: {bill}\n"
               "Period: {period}\n"
               "From: {from}\n"
               "To: {to}\n"
               "Amount: {amount}\n",
               "{account} 的账单已生成。\n"
               "账单编号：{bill}\n"
               "结算周期：{period}\n"
               "起始日期：{from}\n"
               "结束日期：{to}\n"
               "金额：{amount}\n"},
    NoticeText{"pack.bought", "The resource pack {name} is yours", "资源包 {name} 已购买",
               "A resource pack was bought for {account}.\n"
               "Resource pack: {name}\n"
               "Bytes: {bytes}\n"
               "Left: {remaining}\n"
               "Until: {until}\n"
               "Price: {price}\n",
               "{account} 已购买资源包。\n"
               "资源包：{name}\n"
               "总量（字节）：{bytes}\n"
               "剩余（字节）：{remaining}\n"
               "有效期至：{until}\n"
               "价格：{price}\n"},
    NoticeText{"pack.ending", "The resource pack {name} is near its end", "资源包 {name} 即将用尽或到期",
               "A resource pack of {account} is near its end.\n"
               "Resource pack: {name}\n"
               "Bytes: {bytes}\n"
               "Left: {remaining}\n"
               "Until: {until}\n"
               "Price: {price}\n",
               "{account} 的资源包即将用尽或到期。\n"
               "资源包：{name}\n"
               "总量（字节）：{bytes}\n"
               "剩余（字节）：{remaining}\n"
               "有效期至：{until}\n"
               "价格：{price}\n"},
    NoticeText{"pack.used_up", "The resource pack {name} is used up", "资源包 {name} 已用尽",
               "A resource pack of {account} is used up.\n"
               "Resource pack: {name}\n"
               "Bytes: {bytes}\n"
               "Left: {remaining}\n"
               "Until: {until}\n"
               "Price: {price}\n"
               "\n"
               "What other packs do not cover is billed by the tariff.\n",
               "{account} 的资源包已用尽。\n"
               "资源包：{name}\n"
               "总量（字节）：{bytes}\n"
               "剩余（字节）：{remaining}\n"
               "有效期至：{until}\n"
               "价格：{price}\n"
               "\n"
               "其他资源包未覆盖的流量将按价目计费。\n"},
    NoticeText{"pack.expired", "The resource pack {name} has expired", "资源包 {name} 已过期",
               "A resource pack of {account} has expired. What was left of it cannot be used any more.\n"
               "Resource pack: {name}\n"
               "Bytes: {bytes}\n"
               "Left: {remaining}\n"
               "Until: {until}\n"
               "Price: {price}\n",
               "{account} 的资源包已过期，剩余流量不再可用。\n"
               "资源包：{name}\n"
               "总量（字节）：{bytes}\n"
               "剩余（字节）：{remaining}\n"
               "有效期至：{until}\n"
               "价格：{price}\n"},
    NoticeText{"user.invited", "You are invited to {account}", "邀请您加入 {account}",
               "An account has been made for you.\n"
               "Account: {account}\n"
               "E-mail address: {email}\n"
               "Role: {role}\n"
               "\n"
               "Choose a password here: {link}\n"
               "The link works once, until {expires}.\n",
               "已为您创建账号。\n"
               "账户：{account}\n"
               "邮箱地址：{email}\n"
               "角色：{role}\n"
               "\n"
               "请在此设置密码：{link}\n"
               "该链接仅可使用一次，有效期至 {expires}。\n"},
};

std::optional<std::string> value_of(const nlohmann::json& data, std::string_view name) {
  const auto found = data.find(name);
  if (found == data.end()) return std::nullopt;
  std::string text;
  if (found->is_string()) {
    text = found->get_ref<const std::string&>();
  } else if (found->is_number_integer()) {
    text = std::to_string(found->get<std::int64_t>());
  }
  if (text.empty()) return std::nullopt;
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

// nullopt: it names a value that is not there.
std::optional<std::string> fill_in_line(std::string_view line, const nlohmann::json& data) {
  std::string filled;
  while (!line.empty()) {
    const auto open = line.find('{');
    filled += line.substr(0, open);
    if (open == line.npos) break;
    const auto close = line.find('}', open);
    const auto value = value_of(data, line.substr(open + 1, close - open - 1));
    if (!value) return std::nullopt;
    filled += *value;
    line.remove_prefix(close + 1);
  }
  return filled;
}

}  // namespace

const NoticeText* notice_text(std::string_view type) {
  const auto found = std::find_if(kTexts.begin(), kTexts.end(), [&](const NoticeText& t) { return t.type == type; });
  return found == kTexts.end() ? nullptr : &*found;
}

std::string fill_in(std::string_view text, const nlohmann::json& data) {
  std::string filled;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const bool whole = end != text.npos;
    if (const auto line = fill_in_line(text.substr(0, end), data)) {
      filled += *line;
      if (whole) filled += '\n';
    }
    text.remove_prefix(whole ? end + 1 : text.size());
  }
  return filled;
}

}  // namespace fairlead::control
