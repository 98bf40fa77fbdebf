#include "control/api/certificate_operations.h"

#include "control/api/body.h"
#include "control/certificates.h"

namespace fairlead::control {
namespace {

Json shown(const CertificateView& view) {
  const store::Certificate& c = view.certificate;
  return {{"id", c.id},
          {"account_id", c.account_id},
          {"name", c.name},
          {"dns_names", view.dns_names},
          {"key_type", c.key_type},
          {"not_before", date(c.not_before_ms)},
          {"not_after", date(c.not_after_ms)},
          {"expires_in_days", view.expires_in_days},
          {"chain", c.chain_pem},
          {"domains", view.domains},
          {"warnings", details_json(view.warnings)},
          {"revision", c.revision},
          {"created", date(c.created_ms)},
          {"updated", date(c.updated_ms)}};
}

Outcome<Reply> reply_of(const Outcome<CertificateView>& view, int status) {
  if (!view) return std::unexpected(view.error());
  Reply reply;
  reply.status = status;
  reply.body = shown(*view);
  reply.revision = view->certificate.revision;
  return reply;
}

}  // namespace

void add_certificate_operations(Operations& operations, Context& context) {
  operations["listCertificates"] = [&context](const Call& call) -> Outcome<Reply> {
    auto page = list_certificates(context, call.caller, call.query("account_id"), call.page());
    if (!page) return std::unexpected(page.error());
    Reply reply;
    reply.body = page_json(*page, shown);
    return reply;
  };
  operations["uploadCertificate"] = [&context](const Call& call) {
    CertificateUpload upload;
    upload.account_id = text_member(call.body, "account_id");
    upload.name = text_member(call.body, "name").value_or("");
    upload.chain_pem = text_member(call.body, "chain").value_or("");
    upload.key_pem = text_member(call.body, "key").value_or("");
    return reply_of(upload_certificate(context, call.caller, upload), 201);
  };
  operations["getCertificate"] = [&context](const Call& call) {
    return reply_of(get_certificate(context, call.caller, call.path("certificate_id")), 200);
  };
  operations["replaceCertificate"] = [&context](const Call& call) {
    return reply_of(replace_certificate(context, call.caller, call.path("certificate_id"),
                                        text_member(call.body, "chain").value_or(""),
                                        text_member(call.body, "key").value_or(""), call.expected_revision),
                    200);
  };
  operations["deleteCertificate"] = [&context](const Call& call) -> Outcome<Reply> {
    auto done = delete_certificate(context, call.caller, call.path("certificate_id"), call.expected_revision);
    if (!done) return std::unexpected(done.error());
    Reply reply;
    reply.status = 204;
    return reply;
  };
}

}  // namespace fairlead::control
