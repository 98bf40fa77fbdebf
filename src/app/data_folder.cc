#include "app/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <utility>

#include "base/clock.h"
#include "model/file_reader.h"
#include "store/ids.h"

namespace fairlead::app {
namespace {

std::unexpected<base::Error> failed(const std::string& path) {
  return std::unexpected(base::from_errno(errno, base::Side::config, path));
}

}  // namespace

base::Result<DataFolder> DataFolder::open(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed(path);
  DataFolder out;
  out.path_ = path;
  out.lock_ = ::open(out.file("lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (out.lock_ < 0) return failed(path);
  if (::flock(out.lock_, LOCK_EX | LOCK_NB) != 0) {
    return base::fail(base::Code::conflict, base::Side::config, path + ": another process runs on this folder");
  }
  return out;
}

DataFolder::DataFolder(DataFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataFolder::~DataFolder() {
  if (lock_ >= 0) ::close(lock_);
}

std::string DataFolder::edge_id() const {
  if (auto known = model::read_file(file("edge.id")); known && known->size() >= store::kIdLength) {
    return known->substr(0, store::kIdLength);
  }
  std::string id = store::new_id(base::wall_clock_ms());
  std::ofstream(file("edge.id")) << id << '\n';
  return id;
}

}  // namespace fairlead::app
