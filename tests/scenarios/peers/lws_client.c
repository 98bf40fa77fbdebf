// libwebsockets as client: lws_client MODE ALPN URL COUNT CA, over TLS. MODE ws: COUNT sessions to URL, on each of which
// messages of several sizes are echoed before it closes with 1000. MODE get: COUNT requests for URL, at once, on one
// connection if ALPN is h2. Prints {"right": N} and ends with status 0 only if every echo or answer was whole.
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

enum { kMost = 100, kMessages = 6 };
static const size_t kSizes[kMessages] = {1, 125, 126, 4000, 65536, 200000};

struct conversation {
  struct lws *wsi;
  int message;      // ws: the one that is under way
  int to_send;      // ws: it is to be sent
  size_t received;  // of its echo, or of the answer's body
  int right, over;
};

static struct conversation all[kMost];
static int left, failed, right;
static unsigned char *out;  // LWS_PRE bytes and the longest message

static unsigned char byte_at(int number, int message, size_t i) {
  return (unsigned char)(i * 7 + (size_t)(number * 31 + message));
}

static void ended(struct conversation *c) {
  if (!c || c->over) return;
  c->over = 1;
  left--;
  right += c->right;
}

static int receive_echo(struct conversation *c, const unsigned char *in, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (in[i] == byte_at((int)(c - all), c->message, c->received + i)) continue;
    fprintf(stderr, "session %d, message %d: not what was sent\n", (int)(c - all), c->message);
    return -1;
  }
  c->received += size;
  if (c->received == kSizes[c->message]) {
    c->message++;
    c->to_send = c->message < kMessages;
    lws_callback_on_writable(c->wsi);
  }
  return 0;
}

static int send_next(struct conversation *c) {
  if (c->to_send) {
    const size_t size = kSizes[c->message];
    for (size_t i = 0; i < size; i++) out[LWS_PRE + i] = byte_at((int)(c - all), c->message, i);
    c->to_send = 0;
    c->received = 0;
    return lws_write(c->wsi, out + LWS_PRE, size, LWS_WRITE_BINARY) < (int)size ? -1 : 0;
  }
  if (c->message < kMessages) return 0;
  c->right = 1;
  lws_close_reason(c->wsi, LWS_CLOSE_STATUS_NORMAL, (unsigned char *)"done", 4);
  return -1;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size) {
  struct conversation *c = (struct conversation *)lws_get_opaque_user_data(wsi);
  char buffer[1024 + LWS_PRE], *at = buffer + LWS_PRE;
  int room = sizeof buffer - LWS_PRE;
  (void)user;
  switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      fprintf(stderr, "conversation %d: %s\n", c ? (int)(c - all) : -1, in ? (char *)in : "no reason given");
      failed = 1;
      break;
    // Sessions.
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      c->wsi = wsi;
      c->to_send = 1;
      lws_callback_on_writable(wsi);
      break;
    case LWS_CALLBACK_CLIENT_WRITEABLE: return send_next(c);
    case LWS_CALLBACK_CLIENT_RECEIVE: return receive_echo(c, in, size);
    case LWS_CALLBACK_CLIENT_CLOSED: ended(c); break;
    // Requests.
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
      if (lws_http_client_http_response(wsi) != 200 && lws_http_client_http_response(wsi) != 101) failed = 1;
      break;
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP: return lws_http_client_read(wsi, &at, &room) < 0 ? -1 : 0;
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
      c->received += size;
      return 0;
    case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
      c->right = c->received > 0;
      ended(c);
      break;
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP: ended(c); break;
    default: break;
  }
  return lws_callback_http_dummy(wsi, reason, user, in, size);
}

static const struct lws_protocols protocols[] = {{"echo", callback, 0, 65536, 0, NULL, 0}, {NULL, NULL, 0, 0, 0, NULL, 0}};

int main(int argc, char **argv) {
  const char *scheme, *host, *path;
  char full_path[256], authority[256];
  int port;
  if (argc != 6 || lws_parse_uri(argv[3], &scheme, &host, &port, &path)) return 2;
  const int count = left = atoi(argv[4]);
  if (count < 1 || count > kMost) return 2;
  snprintf(full_path, sizeof full_path, "/%s", path);
  snprintf(authority, sizeof authority, "%s:%d", host, port);
  out = malloc(LWS_PRE + kSizes[kMessages - 1]);
  if (!out) return 2;

  lws_set_log_level(LLL_ERR, NULL);
  struct lws_context_creation_info info;
  memset(&info, 0, sizeof info);
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.protocols = protocols;
  info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  info.client_ssl_ca_filepath = argv[5];
  struct lws_context *context = lws_create_context(&info);
  if (!context) return 2;
  for (int i = 0; i < count; i++) {
    struct lws_client_connect_info to;
    memset(&to, 0, sizeof to);
    to.context = context;
    to.address = "127.0.0.1";
    to.port = port;
    to.path = full_path;
    to.host = host;
    to.origin = authority;
    to.method = strcmp(argv[1], "get") ? NULL : "GET";
    to.local_protocol_name = "echo";
    to.ssl_connection = LCCSCF_USE_SSL | LCCSCF_PIPELINE;
    to.alpn = strcmp(argv[2], "default") ? argv[2] : NULL;  // NULL: what libwebsockets offers by itself
    to.opaque_user_data = &all[i];
    to.pwsi = &all[i].wsi;
    if (!lws_client_connect_via_info(&to)) failed = 1;
  }
  while (left && !failed && lws_service(context, 0) >= 0) {
  }
  lws_context_destroy(context);
  printf("{\"right\": %d}\n", right);
  return failed || right != count ? 1 : 0;
}
