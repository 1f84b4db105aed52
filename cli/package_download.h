// A package's file while it is received: whole and checked under its name, or beside it with the
// place where to go on.
//
//   absl::StatusOr<std::unique_ptr<PackageDownload>> file =
//       PackageDownload::Open("crowd.txt", request, {.resumes = true});
//   request.set_resume_token((*file)->token());      // empty: from the start
//   (*file)->Append(frame.data(), frame.resume_token());
//   (*file)->Commit(manifest.files(0));              // renamed
//
// The bytes go to FILE.partial, the place to FILE.partial.resume, which is written every few
// megabytes and when the download ends early. Standard output ("-") cannot be resumed.
#ifndef THRONG_CLI_PACKAGE_DOWNLOAD_H_
#define THRONG_CLI_PACKAGE_DOWNLOAD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/file_digest.h"
#include "throng/v1/package.pb.h"

namespace throng::cli {

struct DownloadOptions {
  bool resumes = false;  // goes on where FILE.partial ended, if there is one
  bool force = false;    // replaces FILE
};

// Not thread-safe. Keeps FILE.partial to itself as long as it lives.
class PackageDownload {
 public:
  // `request` says what is downloaded: FILE.partial of another one is not gone on with. Errors:
  // kAlreadyExists (FILE, without force), kInvalidArgument (FILE is no file; FILE.partial is of
  // another request or another process works on it), the system's.
  static absl::StatusOr<std::unique_ptr<PackageDownload>> Open(
      const std::string& path, const v1::ExportPackageRequest& request,
      const DownloadOptions& options);
  // Keeps the place, unless Commit() returned OK or there is nothing to go on from.
  ~PackageDownload();
  PackageDownload(const PackageDownload&) = delete;
  PackageDownload& operator=(const PackageDownload&) = delete;

  // Where the stream has to go on; empty: from the start.
  const std::string& token() const { return token_; }
  uint64_t bytes() const { return bytes_; }
  // Whether a later run can go on with what came.
  bool can_resume() const { return path_ != "-" && !token_.empty() && !ended_; }

  // `token` (may be empty) continues behind `bytes`. Errors: the system's.
  absl::Status Append(std::string_view bytes, std::string_view token);
  // Compares length and SHA-256, syncs and renames. Errors: kDataLoss, after which nothing is kept;
  // the system's.
  absl::Status Commit(const v1::PackageFile& file);

 private:
  PackageDownload(std::string path, const v1::ExportPackageRequest& request);

  absl::Status Start(const DownloadOptions& options);
  // Opens FILE.partial and locks it.
  absl::Status TakePartial();
  // Takes FILE.partial up to its last place, if there is one.
  absl::Status TakeUp();
  absl::Status DigestPartial();
  absl::Status SavePlace() const;
  absl::Status Error(std::string_view action) const;
  void Drop();

  const std::string path_;
  const std::string partial_;
  const std::string place_;
  const std::string request_;  // what is downloaded, in hexadecimal
  int descriptor_ = -1;
  FileDigest digest_;
  uint64_t bytes_ = 0;  // appended, and kept from before
  std::string token_;   // continues at token_bytes_
  uint64_t token_bytes_ = 0;
  uint64_t saved_bytes_ = 0;  // of the place that was written last
  bool ended_ = false;
};

}  // namespace throng::cli

#endif  // THRONG_CLI_PACKAGE_DOWNLOAD_H_
