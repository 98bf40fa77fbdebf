#pragma once
// DataFolder: the folder in which `fairlead run` keeps what must outlive it: the embedded database, the key that seals
// secrets, the edge's copy of its policy, and its name. Mode 0700, and one process's at a time.

#include <string>
#include <string_view>

#include "base/error.h"

namespace fairlead::app {

class DataFolder {
 public:
  // Makes it when it is not there (its parent must be), and holds its lock. Errors (config side): conflict (another
  // process runs on it), forbidden, not_found, resources.
  static base::Result<DataFolder> open(const std::string& path);
  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&&) = delete;
  ~DataFolder();

  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  // The name of the edge that lives here (cluster::EdgeInfo::id), made at the first call ever.
  std::string edge_id() const;

 private:
  DataFolder() = default;

  std::string path_;
  int lock_ = -1;
};

}  // namespace fairlead::app
