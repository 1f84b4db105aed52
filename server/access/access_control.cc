#include "server/access/access_control.h"

#include <utility>
#include <vector>

#include "index/error.h"
#include "server/access/access_file.h"

namespace throng::access {
namespace {

std::atomic<uint64_t> controls_made{0};

// The list that this thread saw last, and of which control.
struct Seen {
  uint64_t control = 0;
  uint64_t generation = 0;
  std::shared_ptr<const AccessList> list;
};
thread_local Seen seen;

}  // namespace

AccessControl::AccessControl(std::string path)
    : path_(std::move(path)), number_(controls_made.fetch_add(1) + 1) {}

absl::StatusOr<std::unique_ptr<AccessControl>> AccessControl::Open(const std::string& path) {
  std::unique_ptr<AccessControl> control(new AccessControl(path));
  THRONG_RETURN_IF_ERROR(control->Reload());
  return control;
}

std::shared_ptr<const AccessList> AccessControl::Current() const {
  const uint64_t newest = generation();
  if (seen.control != number_ || seen.generation != newest) {
    index::MutexLock lock(mutex_);
    seen = {.control = number_, .generation = generation(), .list = list_};
  }
  return seen.list;
}

absl::StatusOr<bool> AccessControl::ReloadIfChanged() {
  {
    index::MutexLock lock(mutex_);
    if (StampOf(path_) == read_) return false;
  }
  THRONG_RETURN_IF_ERROR(Reload());
  return true;
}

absl::Status AccessControl::Reload() {
  const FileStamp stamp = StampOf(path_);  // before the content: a later change is seen
  absl::StatusOr<std::vector<Principal>> principals = ReadAccessFile(path_);
  index::MutexLock lock(mutex_);
  // What could not be read is tried again; a mistake in it is said once.
  read_ = absl::IsUnavailable(principals.status()) ? kNeverRead : stamp;
  if (!principals.ok()) return principals.status();
  list_ = std::make_shared<const AccessList>(*std::move(principals));
  generation_.fetch_add(1, std::memory_order_acq_rel);
  return absl::OkStatus();
}

}  // namespace throng::access
