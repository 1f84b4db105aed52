// How RocksDB is set up. FORMAT.md says why each option is as it is.
//
//   FirstDamage damage;
//   rocksdb::DBOptions options = MakeDbOptions(store_options, env, &damage);
//
// Thread-safe functions.
#ifndef THRONG_STORAGE_ROCKS_OPTIONS_H_
#define THRONG_STORAGE_ROCKS_OPTIONS_H_

#include <memory>
#include <string>
#include <string_view>

#include "index/mutex.h"
#include "rocksdb/env.h"
#include "rocksdb/options.h"
#include "storage/keys.h"
#include "storage/store.h"

namespace throng::storage {

// What RocksDB's log said first of bytes it would have to drop: its status lacks the file's name.
// Thread-safe.
class FirstDamage {
 public:
  void Record(std::string_view line);
  std::string Get() const;

 private:
  mutable index::Mutex mutex_;
  std::string line_ THRONG_GUARDED_BY(mutex_);
};

rocksdb::DBOptions MakeDbOptions(const StoreOptions& options, rocksdb::Env* env,
                                 std::shared_ptr<FirstDamage> damage);
// For opening what is there without changing anything.
rocksdb::DBOptions MakeReadOnlyDbOptions(const StoreOptions& options, rocksdb::Env* env,
                                         std::shared_ptr<FirstDamage> damage);
rocksdb::ColumnFamilyOptions MakeFamilyOptions(const StoreOptions& options, std::string_view name);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_ROCKS_OPTIONS_H_
