#include "tests/storage/raw_database.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "rocksdb/db.h"

namespace throng::storage {
namespace {

// Calls visit(db, name, handle) for each of our column families.
template <typename Visit>
void WithFamilies(const std::string& directory, Visit visit) {
  const std::vector<std::string> names{"default", "meta", "ids", "log", "blocks", "crowds"};
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) {
    families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, directory, families, &handles, &opened);
  ASSERT_TRUE(status.ok()) << status.ToString();
  const std::unique_ptr<rocksdb::DB> db(opened);
  for (size_t i = 1; i < names.size(); ++i) visit(*db, names[i], handles[i]);
  for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
}

}  // namespace

RawEntries ReadRaw(const std::string& directory) {
  RawEntries entries;
  WithFamilies(directory, [&](rocksdb::DB& db, const std::string& name,
                              rocksdb::ColumnFamilyHandle* handle) {
    const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(rocksdb::ReadOptions(), handle));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      entries[name][it->key().ToString()] = it->value().ToString();
    }
    EXPECT_TRUE(it->status().ok()) << it->status().ToString();
  });
  return entries;
}

void WriteRaw(const std::string& directory, const RawEntries& entries) {
  WithFamilies(directory, [&](rocksdb::DB& db, const std::string& name,
                              rocksdb::ColumnFamilyHandle* handle) {
    rocksdb::WriteBatch batch;
    const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(rocksdb::ReadOptions(), handle));
    for (it->SeekToFirst(); it->Valid(); it->Next()) batch.Delete(handle, it->key());
    if (const auto family = entries.find(name); family != entries.end()) {
      for (const auto& [key, value] : family->second) batch.Put(handle, key, value);
    }
    EXPECT_TRUE(db.Write(rocksdb::WriteOptions(), &batch).ok());
  });
}

}  // namespace throng::storage
