#include "cli/import/effects.h"

#include <span>

namespace fairlead::cli {
namespace {

struct Row {
  std::string_view names;  // separated by ","; one or two words; "x*" stands for all that begin so
  Effect effect;
};

constexpr auto kNote = FindingKind::note;
constexpr auto kLost = FindingKind::not_carried;

constexpr Row kRows[] = {
    {"log,log-format*,log-tag,log-send-hostname,log-steps,error-log-format,capture*,unique-id*,option httplog,option "
     "tcplog,"
     "option dontlognull,option dontlog-normal,option log-*,option logasap,option httpslog,option clitcpka-*,no "
     "option*",
     {kNote, "the edge writes an access log of its own, see `access_log` of its file"}},
    {"option forwardfor,option forwarded,option originalto",
     {kNote, "the edge tells origins who the client is by Forwarded and X-Forwarded-* of its own"}},
    {"option http-server-close,option httpclose,option http-keep-alive,option http-pretend-keepalive,option forceclose,"
     "option http-tunnel,option http-no-delay,option redispatch,option abortonclose,option contstats,option "
     "tcpka,option clitcpka,"
     "option srvtcpka,option splice*,option http-use-htx,option socket-stats,option accept-invalid-http-*,"
     "option http-ignore-probes,option http-buffer-request,option prefer-last-server,option allbackups,option "
     "checkcache,"
     "option tcp-smart-*,option nolinger,option idle-close-on-response,option h1-case-adjust*,option "
     "disable-h2-upgrade,"
     "retries,retry-on,backlog,http-reuse,hash-type,hash-balance-factor,fullconn,id,description,enabled,max-keep-alive-"
     "queue,"
     "max-session-srv-conns,load-server-state-from-file,tune*,hash-preserve-affinity",
     {kNote, "the edge does this in its own way and has no setting for it"}},
    {"timeout queue,timeout check,timeout client-fin,timeout server-fin,timeout tarpit,timeout mail,timeout http-check",
     {kNote, "the edge has no such clock: it does not queue, and a closing session has one of its own"}},
    {"option httpchk,http-check*,option tcp-check,tcp-check*,option external-check,external-check*,option "
     "ssl-hello-chk,"
     "option smtpchk,option mysql-check,option pgsql-check,option redis-check,option ldap-check,option spop-check",
     {kLost, "the edge's active checks ask for a path by HTTP; passive checks watch every request"}},
    {"redirect,http-request redirect,http-request return,monitor-uri,monitor-net,monitor,monitor*",
     {kLost, "the edge answers nothing by itself: the request goes to the origins"}},
    {"http-request deny,http-request tarpit,http-request reject,http-request auth,http-request "
     "silent-drop,tcp-request*,block,"
     "http-request wait-*,http-request track-*,http-request sc-*,stick-table,stick,stick*,http-request "
     "rate*,rate-limit*",
     {kLost, "the edge does not check who may come in; for limits by client see `limits` of the domain"}},
    {"http-request*,reqadd,reqset,reqrep,reqirep,reqidel,reqdel,reqi*,req*",
     {kLost, "the edge does not change requests: they go to the origins as they came"}},
    {"http-response*,http-after-response*,tcp-response*,rsp*,compression,filter,option http_proxy,option transparent,"
     "rspadd,http-send-name-header",
     {kLost, "the edge does not change answers, but for add_header with a fixed value"}},
    {"errorfile,errorfiles,errorloc,errorloc302,errorloc303,http-error,errorfile*",
     {kLost, "the edge's own answers are problem documents (RFC 9457); there are no error pages"}},
    {"stats,stats*", {kLost, "the edge has metrics (/metrics) and no page of statistics"}},
    {"maxconn", {kLost, "see `limits`: max_connections of the node, max_sessions of a domain"}},
    {"server-template,dispatch,use-server,source,grace,email-alert*,persist*,option "
     "persist,ignore-persist,force-persist,"
     "disabled,option mysql*,appsession,declare,fcgi*,use-fcgi-app,server-state-file-name,guid,option sql*,option "
     "http-restrict-*,"
     "quic*,crt,ssl-f-use",
     {kLost, "the edge does not have this"}},
    {"bind-process,nbproc,nbthread,cpu-map,user,group,chroot,daemon,pidfile",
     {kNote, "belongs to the process of HAProxy"}},
    {".if,.elif,.else,.endif,.notice,.warning,.alert,.diag",
     {kLost, "conditions are not judged: all branches were read"}},
    {"acl", {kNote, "nothing that was carried over uses it"}},
    {"timeout tunnel,timeout connect,timeout client,timeout server,timeout http-request,timeout http-keep-alive,mode,"
     "balance,cookie,default-server,bind,server,default_backend",
     {kNote, "nothing that was carried over uses it"}},
    {"use_backend", {kLost, "nothing that was carried over uses it"}},
};

constexpr Row kGlobalRows[] = {
    {"log,log-*,chroot,stats,user,group,uid,gid,daemon,maxconn,maxpipes,max*,nbproc,nbthread,cpu-map,pidfile,tune.*,"
     "ulimit-n,node,"
     "description,setenv,presetenv,resetenv,unsetenv,unix-bind,hard-stop-after,master-worker,mworker*,spread-checks,"
     "expose-*,"
     "localpeer,server-state-*,default-path,profiling*,zero-warning,no,debug,quiet,busy-polling,thread-*,numa-cpu-"
     "mapping,"
     "set-dumpable,set-var*,strict-limits,issuers-chain-path,httpclient.*,cluster-secret,close-spread-time,grace,"
     "noepoll,nokqueue,"
     "noevports,nogetaddrinfo,nopoll,noreuseport,nosplice,prealloc-fd,fd-hard-limit,external-check,insecure-*,h1-*,h2-*"
     ","
     "shm-stats*,cpu-*,51degrees*,wurfl*,deviceatlas*,anonkey,pp2-never-send-local,limited-quic,no-quic,dns-accept-"
     "family",
     {kNote, "belongs to the process of HAProxy"}},
    {"ssl-default-bind-options,ssl-default-bind-ciphersuites,ssl-default-bind-curves,ssl-default-bind-*,ssl-dh-param-"
     "file,"
     "ssl-load-extra-*,ssl-mode-async,ssl-engine,ssl-propquery,ssl-provider*,ssl-skip-*,ssl-security-level",
     {kNote, "clients need TLS 1.2 at least here; a domain has ssl_protocols and ssl_ciphers"}},
    {"ssl-default-server-*,ssl-server-*",
     {kNote, "TLS towards origins is the edge's own choice of versions and ciphers"}},
    {"lua-load*,lua-prepend-path", {kLost, "the edge runs no programs"}},
    {".if,.elif,.else,.endif,.notice,.warning,.alert,.diag",
     {kLost, "conditions are not judged: all branches were read"}},
};

bool matches(std::string_view pattern, std::string_view text) {
  return pattern.ends_with('*') ? text.starts_with(pattern.substr(0, pattern.size() - 1)) : text == pattern;
}

std::optional<Effect> look_up(std::span<const Row> rows, std::string_view keyword) {
  const std::string_view first = keyword.substr(0, keyword.find(' '));
  for (const Row& row : rows) {
    for (std::string_view rest = row.names; !rest.empty();) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      const std::string_view name = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const bool two_words = name.find(' ') != std::string_view::npos;
      if (matches(name, two_words ? keyword : first)) return row.effect;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Effect> haproxy_effect(std::string_view keyword) { return look_up(kRows, keyword); }

std::optional<Effect> haproxy_global_effect(std::string_view keyword) { return look_up(kGlobalRows, keyword); }

}  // namespace fairlead::cli
