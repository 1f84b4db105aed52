// The list in force while its file changes.
#include "server/access/access_control.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "server/access/token.h"
#include "tests/testing/temporary_directory.h"

namespace throng::access {
namespace {

class AccessControlTest : public ::testing::Test {
 protected:
  // The text comes whole, as every change of an access file does.
  void Write(const std::string& text) {
    std::ofstream(path_ + ".new") << text;
    ASSERT_EQ(std::rename((path_ + ".new").c_str(), path_.c_str()), 0);
  }
  static std::string File(const std::string& name) {
    return fmt::format("[[principal]]\nname = \"{}\"\nsubject = \"CN={}\"\n", name, name);
  }

  testing::TemporaryDirectory directory_;
  const std::string path_ = directory_.File("access.toml");
};

TEST_F(AccessControlTest, IsReadAgainWhenItChanges) {
  EXPECT_FALSE(AccessControl::Open(path_).ok());
  Write(File("a"));
  const auto control = AccessControl::Open(path_);
  ASSERT_TRUE(control.ok()) << control.status();
  EXPECT_FALSE(*(*control)->ReloadIfChanged());
  const std::shared_ptr<const AccessList> before = (*control)->Current();
  const uint64_t generation = (*control)->generation();
  Write(File("b"));
  EXPECT_TRUE(*(*control)->ReloadIfChanged());
  EXPECT_FALSE(*(*control)->ReloadIfChanged());
  EXPECT_GT((*control)->generation(), generation);
  EXPECT_EQ((*control)->Current()->FindByName("a"), nullptr);
  EXPECT_NE((*control)->Current()->FindByName("b"), nullptr);
  EXPECT_NE(before->FindByName("a"), nullptr);  // of a call that goes on
}

TEST_F(AccessControlTest, AMistakeLeavesWhatWasInForce) {
  Write(File("a"));
  const auto control = AccessControl::Open(path_);
  ASSERT_TRUE(control.ok()) << control.status();
  Write("[[principal]]\n");
  EXPECT_FALSE((*control)->ReloadIfChanged().ok());
  EXPECT_NE((*control)->Current()->FindByName("a"), nullptr);
  EXPECT_FALSE(*(*control)->ReloadIfChanged());  // said once
  EXPECT_FALSE((*control)->Reload().ok());       // unless asked
  std::remove(path_.c_str());
  EXPECT_FALSE((*control)->ReloadIfChanged().ok());
  EXPECT_NE((*control)->Current()->FindByName("a"), nullptr);
  Write(File("b"));
  EXPECT_TRUE(*(*control)->ReloadIfChanged());
  EXPECT_NE((*control)->Current()->FindByName("b"), nullptr);
}

// A file that is there and cannot be read, e.g. for want of descriptors, is not given up: a revoked
// token would go on.
TEST_F(AccessControlTest, WhatCannotBeReadIsTriedAgain) {
  Write(File("a"));
  const auto control = AccessControl::Open(path_);
  ASSERT_TRUE(control.ok()) << control.status();
  std::remove(path_.c_str());
  ASSERT_EQ(mkdir(path_.c_str(), 0700), 0);  // which opens, and cannot be read
  for (int i = 0; i < 3; ++i) EXPECT_FALSE((*control)->ReloadIfChanged().ok()) << i;
  EXPECT_NE((*control)->Current()->FindByName("a"), nullptr);
  ASSERT_EQ(rmdir(path_.c_str()), 0);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE((*control)->ReloadIfChanged().ok()) << i;
  Write(File("b"));
  EXPECT_TRUE(*(*control)->ReloadIfChanged());
}

// The file is the same as when it was read: that it could not be read meanwhile must not last.
TEST_F(AccessControlTest, AFileThatDidNotChangeIsTriedAgainToo) {
  Write(File("a"));
  const auto control = AccessControl::Open(path_);
  ASSERT_TRUE(control.ok()) << control.status();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const absl::Status failed = (*control)->Reload();
  setrlimit(RLIMIT_NOFILE, &before);  // before anything is expected: sanitizers open files, too
  EXPECT_TRUE(absl::IsUnavailable(failed)) << failed;
  EXPECT_TRUE(*(*control)->ReloadIfChanged());
  EXPECT_FALSE(*(*control)->ReloadIfChanged());
}

TEST_F(AccessControlTest, TwoOfThemInOneThreadAreKeptApart) {
  Write(File("a"));
  const auto first = AccessControl::Open(path_);
  Write(File("b"));
  const auto second = AccessControl::Open(path_);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE((*first)->Current()->FindByName("a"), nullptr);
    EXPECT_NE((*second)->Current()->FindByName("b"), nullptr);
  }
}

TEST_F(AccessControlTest, ReadersSeeOneListOrTheNext) {
  Write(File("a"));
  const auto control = AccessControl::Open(path_);
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      uint64_t newest = 0;
      while (!done.load()) {
        const uint64_t generation = (*control)->generation();
        EXPECT_GE(generation, newest);
        newest = generation;
        EXPECT_EQ((*control)->Current()->principals().size(), 1);
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    Write(File(i % 2 == 0 ? "b" : "a"));
    EXPECT_TRUE((*control)->Reload().ok());
  }
  done.store(true);
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace throng::access
