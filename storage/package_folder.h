// Folders of files for others to read: a file is there under its name when it is whole and synced.
//
//   THRONG_ASSIGN_OR_RETURN(PackageFolder folder, PackageFolder::Open("/srv/out/17", hook));
//   THRONG_ASSIGN_OR_RETURN(std::unique_ptr<PackageFile> file, folder.Create("ids.txt"));
//   file->Append("10001\n");       // goes to "ids.txt.partial"
//   file->Close();                 // synced
//   folder.Publish({"ids.txt"});   // renamed, and the names are synced
//
// Errors of all: kResourceExhausted "disk full ...", kUnavailable, with what failed. Files are made
// with the process's umask: who may enter the folder may read them.
#ifndef THRONG_STORAGE_PACKAGE_FOLDER_H_
#define THRONG_STORAGE_PACKAGE_FOLDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace throng::storage {

struct FileSystemHook;

// One file that is being written. Not thread-safe.
class PackageFile {
 public:
  virtual ~PackageFile() = default;
  virtual absl::Status Append(std::string_view bytes) = 0;
  // Syncs and closes. Nothing may follow.
  virtual absl::Status Close() = 0;
};

// Thread-safe as long as no two threads work on one name.
class PackageFolder {
 public:
  // Makes the folder and those above it, for good when it returns. `hook` may be null.
  static absl::StatusOr<PackageFolder> Open(const std::string& path, const FileSystemHook* hook);
  // Folders in the folder at `path`, in order of name; none where it is not there.
  static std::vector<std::string> FoldersIn(const std::string& path);

  const std::string& path() const { return path_; }

  // A file that gets its name from Publish. One left from before is replaced.
  absl::StatusOr<std::unique_ptr<PackageFile>> Create(const std::string& name) const;
  // Gives closed files their names, in order, and syncs these.
  absl::Status Publish(const std::vector<std::string>& names) const;
  // Create, Append, Close and Publish: the file is the old or the new one, whatever happens.
  absl::Status WriteWhole(const std::string& name, std::string_view text) const;
  // Errors: kNotFound; kDataLoss: it is longer than `bytes_max`.
  absl::StatusOr<std::string> ReadWhole(const std::string& name, uint64_t bytes_max) const;

  // Errors: kNotFound.
  absl::StatusOr<uint64_t> SizeOf(const std::string& name) const;

  // Takes a file's name away, for good when it returns. Fine where there is none.
  absl::Status Unpublish(const std::string& name) const;
  // Removes every file but `kept`, finished or not; goes on after an error and returns the first.
  absl::Status RemoveAllBut(std::string_view kept) const;
  // Removes the folder with all of its files, for good when it returns.
  absl::Status Remove() const;

 private:
  struct Files;
  PackageFolder(std::string path, std::shared_ptr<Files> files)
      : path_(std::move(path)), files_(std::move(files)) {}

  std::string PathOf(std::string_view name) const;
  absl::Status SyncNames() const;

  std::string path_;
  std::shared_ptr<Files> files_;
};

// Keeps a folder for this process as long as it lives. Thread-compatible.
class FolderLock {
 public:
  // Makes the folder. Errors: kFailedPrecondition when another process has it; as above.
  static absl::StatusOr<std::unique_ptr<FolderLock>> Take(const std::string& path);
  virtual ~FolderLock() = default;
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_PACKAGE_FOLDER_H_
