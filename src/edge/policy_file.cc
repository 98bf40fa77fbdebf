#include "edge/policy_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/descriptor.h"
#include "base/log.h"
#include "model/document.h"
#include "model/domain_settings.h"
#include "model/write_domain.h"

namespace fairlead::edge {
namespace {

using base::Code;
using base::Result;
using base::Side;

// The file: kMagic, the stream's header, then blocks of kBlock bytes sealed (the last one may be shorter and is marked
// as the last). Inside: a line {"revision":7,"domains":3}, then a line for each domain (model/write_domain.h).
constexpr std::string_view kMagic = "fairlead policy 1\n";
constexpr std::size_t kNameLength = 16;  // of kMagic: what stands before the version
constexpr std::size_t kHeader = crypto_secretstream_xchacha20poly1305_HEADERBYTES;
constexpr std::size_t kSeal = crypto_secretstream_xchacha20poly1305_ABYTES;
constexpr std::size_t kBlock = 64 * 1024;
// No line is longer (model/limits.h bounds what is in a domain), and no damaged file makes us gather more.
constexpr std::size_t kMaxLine = 64u << 20;

const unsigned char* bytes(const char* p) { return reinterpret_cast<const unsigned char*>(p); }
unsigned char* bytes(char* p) { return reinterpret_cast<unsigned char*>(p); }

std::unexpected<base::Error> malformed(std::string what) {
  return base::fail(Code::malformed, Side::config, std::move(what));
}
std::unexpected<base::Error> failed(const std::string& path) {
  const int err = errno;
  if (err == ENOENT) return base::fail(Code::not_found, Side::config, path + ": no such file");
  if (err == EACCES || err == EPERM) return base::fail(Code::forbidden, Side::config, path + ": " + std::strerror(err));
  return base::fail(Code::resources, Side::config, path + ": " + std::strerror(err));
}

// Seals what is appended, block by block, into the file.
class SealedWriter {
 public:
  SealedWriter(int fd, const std::string& path, const PolicyFile::Key& key) : fd_(fd), path_(path) {
    std::string head(kMagic);
    head.resize(kMagic.size() + kHeader);
    crypto_secretstream_xchacha20poly1305_init_push(&state_, bytes(head.data() + kMagic.size()), key.data());
    put(head);
  }
  // A failure is kept and told by finish().
  void append(std::string_view text) {
    plain_ += text;
    std::size_t taken = 0;
    for (; result_ && plain_.size() - taken > kBlock; taken += kBlock) {
      seal({plain_.data() + taken, kBlock}, crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
    }
    plain_.erase(0, taken);
  }
  Result<void> finish() {
    seal(plain_, crypto_secretstream_xchacha20poly1305_TAG_FINAL);
    if (result_ && ::fsync(fd_) != 0) result_ = failed(path_);
    return result_;
  }

 private:
  void seal(std::string_view text, unsigned char tag) {
    sealed_.resize(text.size() + kSeal);
    crypto_secretstream_xchacha20poly1305_push(&state_, bytes(sealed_.data()), nullptr, bytes(text.data()), text.size(),
                                               bytes(kMagic.data()), kMagic.size(), tag);
    put(sealed_);
  }
  void put(std::string_view out) {
    while (result_ && !out.empty()) {
      const ssize_t n = ::write(fd_, out.data(), out.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        result_ = failed(path_);
      } else {
        out.remove_prefix(static_cast<std::size_t>(n));
      }
    }
  }

  int fd_;
  const std::string& path_;
  crypto_secretstream_xchacha20poly1305_state state_{};
  std::string plain_, sealed_;
  Result<void> result_{};
};

// The lines of a sealed file, each only after its block was found genuine.
class SealedReader {
 public:
  SealedReader(int fd, const std::string& path, const PolicyFile::Key& key) : fd_(fd), path_(path), key_(key) {}

  Result<void> begin() {
    std::string head(kMagic.size() + kHeader, '\0');
    const auto n = read(head);
    if (!n) return std::unexpected(n.error());
    if (*n >= kMagic.size() && head.starts_with(kMagic.substr(0, kNameLength)) && !head.starts_with(kMagic)) {
      return base::fail(Code::unsupported, Side::config, path_ + ": written by another version of the program");
    }
    if (*n != head.size() || !head.starts_with(kMagic)) return malformed(path_ + ": no copy of a policy");
    if (crypto_secretstream_xchacha20poly1305_init_pull(&state_, bytes(head.data() + kMagic.size()), key_.data()) !=
        0) {
      return malformed(path_ + ": damaged");
    }
    return {};
  }

  // False: there is none left, and the file ended where it was finished.
  Result<bool> next(std::string& line) {
    for (;;) {
      const std::size_t end = plain_.find('\n', searched_);
      if (end != std::string::npos) {
        line.assign(plain_, at_, end - at_);
        at_ = searched_ = end + 1;
        return true;
      }
      searched_ = plain_.size();
      if (finished_) {
        if (at_ != plain_.size()) return malformed(path_ + ": it ends inside a line");
        return false;
      }
      if (auto more = pull(); !more) return std::unexpected(more.error());
    }
  }

 private:
  Result<void> pull() {
    plain_.erase(0, at_);
    searched_ -= at_;
    at_ = 0;
    if (plain_.size() > kMaxLine) return malformed(path_ + ": a line is too long");
    sealed_.resize(kBlock + kSeal);
    const auto n = read(sealed_);
    if (!n) return std::unexpected(n.error());
    const std::size_t before = plain_.size();
    plain_.resize(before + kBlock);
    unsigned long long length = 0;
    unsigned char tag = 0;
    if (*n < kSeal || crypto_secretstream_xchacha20poly1305_pull(&state_, bytes(plain_.data() + before), &length, &tag,
                                                                 bytes(sealed_.data()), *n, bytes(kMagic.data()),
                                                                 kMagic.size()) != 0) {
      return malformed(path_ + ": damaged, or sealed with another key");
    }
    plain_.resize(before + static_cast<std::size_t>(length));
    if (tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL) {
      finished_ = true;
      std::string beyond(1, '\0');
      const auto more = read(beyond);
      if (!more) return std::unexpected(more.error());
      if (*more != 0) return malformed(path_ + ": bytes stand behind its end");
    }
    return {};
  }

  // Fills `out` as far as the file goes.
  Result<std::size_t> read(std::string& out) {
    std::size_t have = 0;
    while (have < out.size()) {
      const ssize_t n = ::read(fd_, out.data() + have, out.size() - have);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed(path_);
      if (n == 0) break;
      have += static_cast<std::size_t>(n);
    }
    return have;
  }

  int fd_;
  const std::string& path_;
  const PolicyFile::Key& key_;
  crypto_secretstream_xchacha20poly1305_state state_{};
  std::string plain_, sealed_;
  std::size_t at_ = 0, searched_ = 0;  // in plain_: the line to come, and from where its end is looked for
  bool finished_ = false;
};

struct Counts {
  std::uint64_t revision = 0;
  std::uint64_t domains = 0;
};

Result<Counts> read_counts(const std::string& line, const std::string& path) {
  Counts out;
  const auto document = model::parse_json(line, "");
  for (const auto& [key, value] : {std::pair("revision", &out.revision), {"domains", &out.domains}}) {
    const model::Node* node = document ? document->root.find(key) : nullptr;
    const std::string_view text = node ? std::string_view(node->text) : std::string_view();
    const auto read = std::from_chars(text.data(), text.data() + text.size(), *value);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) {
      return malformed(path + ": its first line is not ours");
    }
  }
  return out;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

PolicyFile::PolicyFile(std::string path, const Key& key) : path_(std::move(path)), key_(key) {
  if (sodium_init() < 0) base::log_error("libsodium cannot be used");
}

PolicyFile::~PolicyFile() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<model::PolicySnapshot::Ptr> PolicyFile::load() const {
  const base::Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (file.get() < 0) return failed(path_);
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return failed(path_);
  if (!S_ISREG(info.st_mode)) return malformed(path_ + ": it is not a file");
  SealedReader reader(file.get(), path_, key_);
  if (auto begun = reader.begin(); !begun) return std::unexpected(begun.error());
  std::string line;
  const auto first = reader.next(line);
  if (!first) return std::unexpected(first.error());
  const auto counts = read_counts(line, path_);
  if (!counts) return std::unexpected(counts.error());
  std::vector<model::DomainPolicy> domains;
  for (;;) {
    const auto more = reader.next(line);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    auto domain = model::read_domain_copy(line);
    if (!domain) return malformed(path_ + ": " + base::describe(domain.error()));
    domains.push_back(std::move(*domain));
  }
  if (domains.size() != counts->domains) return malformed(path_ + ": it has not as many domains as it says");
  auto snapshot = model::PolicySnapshot::replace(nullptr, std::move(domains), counts->revision);
  if (snapshot->size() != counts->domains) return malformed(path_ + ": it has a domain twice");
  revision_ = counts->revision;
  return snapshot;
}

// Beside the file, then in its place: rename(2) shows every reader the old file or the new one, and what was renamed
// was on disk before. The folder is synced too, or the rename could be lost with the machine's power.
Result<void> PolicyFile::write(const model::PolicySnapshot& snapshot) const {
  const std::string beside = path_ + ".new";
  ::unlink(beside.c_str());  // left by a process that was killed
  {
    const base::Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() < 0) return failed(beside);
    SealedWriter writer(file.get(), beside, key_);
    writer.append("{\"revision\":" + std::to_string(snapshot.revision()) +
                  ",\"domains\":" + std::to_string(snapshot.size()) + "}\n");
    snapshot.for_each([&](const model::DomainPolicyPtr& policy) {
      std::string line = model::write_domain(*policy, model::DomainText::whole);
      line += '\n';
      writer.append(line);
    });
    if (auto written = writer.finish(); !written) {
      ::unlink(beside.c_str());
      return written;
    }
  }
  if (::rename(beside.c_str(), path_.c_str()) != 0) return failed(path_);
  const base::Descriptor folder(::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) return failed(folder_of(path_));
  return {};
}

void PolicyFile::store(model::PolicySnapshot::Ptr snapshot) {
  if (!snapshot) return;
  {
    const std::lock_guard lock(mutex_);
    pending_ = std::move(snapshot);
    if (!thread_.joinable()) {
      try {
        thread_ = std::thread([this] { writer(); });
      } catch (const std::exception& e) {  // the next change tries again
        base::log_error("the copy of the policy is not written: {}", e.what());
      }
    }
  }
  changed_.notify_all();
}

Result<void> PolicyFile::flush() {
  std::unique_lock lock(mutex_);
  if (!thread_.joinable()) return {};
  if (!pending_ && !writing_) return last_;
  // A write under way may be of something older than what is pending: then it is the one after it that counts.
  const std::uint64_t until = tries_ + (pending_ && writing_ ? 2 : 1);
  hurry_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return tries_ >= until; });
  return last_;
}

void PolicyFile::writer() {
  // Nobody waits for the file, and it is made beside workers that somebody waits for.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || pending_; });
    if (!pending_) return;
    const base::TimePoint begun = base::monotonic_now();
    write_pending(lock);
    if (stop_) {
      if (pending_ && last_) continue;  // something newer came meanwhile
      return;
    }
    const base::Duration took = base::monotonic_now() - begun;
    const base::TimePoint next = begun + std::max<base::Duration>(kInterval, took * (1 + kRest));
    while (!stop_ && !hurry_ && base::monotonic_now() < next) {
      changed_.wait_for(lock, next - base::monotonic_now());
    }
  }
}

void PolicyFile::write_pending(std::unique_lock<std::mutex>& lock) {
  const model::PolicySnapshot::Ptr snapshot = std::exchange(pending_, nullptr);
  writing_ = true;
  hurry_ = false;
  const bool failed_before = !last_;
  lock.unlock();
  Result<void> result;
  try {
    result = write(*snapshot);
    if (!result && !failed_before)
      base::log_error("the copy of the policy is not written: {}", base::describe(result.error()));
    if (result && failed_before) base::log_info("the copy of the policy is written again");
  } catch (const std::exception& e) {  // std::bad_alloc
    result = base::fail(Code::resources, Side::edge, e.what());
  }
  lock.lock();
  writing_ = false;
  ++tries_;
  last_ = std::move(result);
  if (last_) {
    ++writes_;
    revision_ = snapshot->revision();
  } else if (!pending_) {
    pending_ = snapshot;
  }
  changed_.notify_all();
}

}  // namespace fairlead::edge
