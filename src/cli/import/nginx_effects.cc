#include "cli/import/effects.h"

namespace fairlead::cli {
namespace {

struct Row {
  std::string_view names;  // separated by one space; "x_*" stands for all that begin so
  Effect effect;
};

constexpr auto kNote = FindingKind::note;
constexpr auto kLost = FindingKind::not_carried;

constexpr Row kRows[] = {
    {"worker_processes worker_connections worker_rlimit_nofile worker_cpu_affinity worker_priority multi_accept use "
     "accept_mutex events worker_shutdown_timeout",
     {kNote, "the edge has a setting of its own for this, `workers` (one per core) and `limits`"}},
    {"user pid daemon master_process load_module env lock_file thread_pool pcre_jit working_directory debug_connection "
     "ssl_engine",
     {kNote, "belongs to the process of nginx"}},
    {"sendfile sendfile_max_chunk tcp_nopush tcp_nodelay aio directio output_buffers postpone_output open_file_cache* "
     "types_hash_* server_names_hash_* variables_hash_* map_hash_* proxy_headers_hash_* client_header_buffer_size "
     "large_client_header_buffers client_body_buffer_size client_body_temp_path client_body_in_file_only "
     "connection_pool_size request_pool_size reset_timedout_connection lingering_* send_lowat read_ahead",
     {kNote, "a matter of nginx's memory and files; the edge needs no such setting"}},
    {"proxy_http_version proxy_buffering proxy_buffer_size proxy_buffers proxy_busy_buffers_size proxy_temp_path "
     "proxy_max_temp_file_size proxy_temp_file_write_size proxy_request_buffering proxy_cache_bypass proxy_no_cache "
     "proxy_socket_keepalive proxy_ssl_session_reuse",
     {kNote, "the edge speaks HTTP/1.1 to origins and neither buffers nor caches"}},
    {"keepalive keepalive_requests keepalive_time zone server_tokens msie_padding ignore_invalid_headers "
     "underscores_in_headers merge_slashes port_in_redirect server_name_in_redirect absolute_redirect "
     "chunked_transfer_encoding "
     "http2_* ssl_session_cache ssl_session_timeout ssl_session_tickets ssl_session_ticket_key "
     "ssl_prefer_server_ciphers "
     "ssl_ecdh_curve ssl_dhparam ssl_buffer_size ssl_early_data proxy_ssl_server_name ssl_conf_command",
     {kNote, "the edge does this in its own way and has no setting for it"}},
    {"types default_type", {kNote, "for files that nginx serves itself; the edge passes on what the origin says"}},
    {"resolver resolver_timeout",
     {kNote, "names of origins are looked up again by the edge; see `resolvers` of its file"}},
    {"access_log error_log log_format log_not_found log_subrequest rewrite_log open_log_file_cache",
     {kNote, "the edge writes an access log of its own, see `access_log` of its file"}},
    {"gzip gzip_* brotli brotli_* gunzip", {kLost, "the edge does not compress: answers go as the origin sent them"}},
    {"root alias index try_files autoindex* expires etag if_modified_since charset charset_types "
     "max_ranges disable_symlinks error_page recursive_error_pages log_not_found override_charset source_charset",
     {kLost, "the edge serves no files: every request goes to the origins"}},
    {"rewrite return break if set rewrite_* uninitialized_variable_warn map geo split_clients "
     "internal",
     {kLost, "the edge has no conditions, variables or redirects: requests go to the origins as they came"}},
    {"fastcgi_* uwsgi_* scgi_* grpc_* memcached_* perl perl_* js_* lua_* access_by_lua* content_by_lua* "
     "header_filter_by_lua* "
     "body_filter_by_lua* init_by_lua* init_worker_by_lua* log_by_lua* rewrite_by_lua* set_by_lua* balancer_by_lua* "
     "ssl_certificate_by_lua* passenger_*",
     {kLost, "the edge speaks HTTP and WebSocket to origins and runs no programs"}},
    {"auth_basic auth_basic_user_file auth_request auth_request_set auth_jwt* satisfy allow deny secure_link* "
     "valid_referers "
     "ssl_client_certificate ssl_verify_client ssl_verify_depth ssl_trusted_certificate ssl_crl",
     {kLost, "the edge does not check who may come in: without it everybody can. The origin must check"}},
    {"limit_conn limit_conn_zone limit_conn_* limit_req limit_req_zone limit_req_* limit_rate limit_rate_after "
     "limit_except",
     {kLost, "see `limits` of the domain: max_sessions_per_client, handshakes_per_second_per_client"}},
    {"ssl_stapling ssl_stapling_* ssl_ocsp* ssl_reject_handshake ssl_password_file ssl_certificate_cache",
     {kLost, "the edge does not do this"}},
    {"proxy_cache proxy_cache_* proxy_store* slice proxy_ignore_headers proxy_hide_header proxy_pass_header "
     "proxy_intercept_errors proxy_redirect proxy_cookie_* sub_filter* addition_types add_before_body add_after_body "
     "add_trailer proxy_force_ranges ssi ssi_* image_filter* xslt_* mirror mirror_*",
     {kLost, "the edge does not change or keep answers: they go as the origin sent them"}},
    {"proxy_method proxy_set_body proxy_pass_request_headers proxy_pass_request_body proxy_ssl_certificate "
     "proxy_ssl_certificate_key proxy_ssl_password_file proxy_ssl_protocols proxy_ssl_ciphers proxy_ssl_crl "
     "proxy_ssl_verify_depth proxy_bind proxy_limit_rate proxy_ssl_conf_command",
     {kLost, "the edge does not do this to requests for origins"}},
    {"real_ip_header real_ip_recursive set_real_ip_from",
     {kLost, "the edge takes a client's address from the connection or its PROXY header, not from a field"}},
    {"client_body_in_single_buffer status_zone stub_status api dav_* create_full_put_path min_delete_depth mp4* flv "
     "random_index empty_gif userid* geoip_* geoip2* opentracing* otel_* modsecurity* session_log* "
     "health_check_timeout match "
     "state ntlm queue hash_* random",
     {kLost, "the edge does not have this"}},
    {"stream mail", {kLost, "only http blocks are read; for TLS over TCP see listeners with protocol: tcp-ssl"}},
    {"include", {kLost, "the import could not follow it"}},
    {"quic_* http3 http3_* add_trailers", {kLost, "the edge does not speak HTTP/3"}},
};

}  // namespace

std::optional<Effect> nginx_effect(std::string_view directive) {
  // proxy_next_..., whose last word is nginx's for an origin, with or without _tries and _timeout.
  if (directive.starts_with("proxy_next_")) {
    return Effect{kNote, "an opening handshake that failed is tried on the next origin by rules of the edge's own"};
  }
  for (const Row& row : kRows) {
    for (std::string_view rest = row.names; !rest.empty();) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      std::string_view name = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (name.ends_with('*') ? directive.starts_with(name.substr(0, name.size() - 1)) : directive == name) {
        return row.effect;
      }
    }
  }
  return std::nullopt;
}

}  // namespace fairlead::cli
