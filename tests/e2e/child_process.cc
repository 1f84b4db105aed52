#include "tests/e2e/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>

extern char** environ;

namespace throng::e2e {
namespace {

constexpr std::chrono::milliseconds kPollPause{2};
constexpr int kExitNotStarted = 127;

// A file in memory, positioned at its start.
int MemoryFile(const char* name, std::string_view content) {
  const int file = memfd_create(name, MFD_CLOEXEC);
  if (file < 0) std::abort();
  while (!content.empty()) {
    const ssize_t written = write(file, content.data(), content.size());
    if (written < 0) std::abort();
    content.remove_prefix(static_cast<size_t>(written));
  }
  lseek(file, 0, SEEK_SET);
  return file;
}

std::string ContentOf(int file) {
  std::string content;
  char buffer[1 << 16];
  ssize_t count = 0;
  while ((count = pread(file, buffer, sizeof(buffer), static_cast<off_t>(content.size()))) > 0) {
    content.append(buffer, static_cast<size_t>(count));
  }
  return content;
}

// The environment without what would change the meaning of a command line.
std::vector<char*> ChildEnvironment() {
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (text.starts_with("THRONG_SERVER=") || text.starts_with("THRONG_POPULATION=")) continue;
    variables.push_back(*variable);
  }
  variables.push_back(nullptr);
  return variables;
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, std::string_view input) {
  const int input_file = MemoryFile("input", input);
  output_ = MemoryFile("output", "");
  error_output_ = MemoryFile("error_output", "");
  std::vector<char*> words;
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  const std::vector<char*> environment = ChildEnvironment();
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) std::abort();
  if (pid_ == 0) {
    // Only what may be called after fork().
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(kExitNotStarted);
    dup2(input_file, STDIN_FILENO);
    dup2(output_, STDOUT_FILENO);
    dup2(error_output_, STDERR_FILENO);
    execve(words[0], words.data(), environment.data());
    _exit(kExitNotStarted);
  }
  close(input_file);
}

ChildProcess::~ChildProcess() {
  if (!exit_code_.has_value()) {
    kill(pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  }
  close(output_);
  close(error_output_);
}

bool ChildProcess::Wait(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!exit_code_.has_value()) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else if (std::chrono::steady_clock::now() >= end) {
      return false;
    } else {
      std::this_thread::sleep_for(kPollPause);
    }
  }
  return true;
}

void ChildProcess::Signal(int number) {
  if (!exit_code_.has_value()) kill(pid_, number);
}

std::string ChildProcess::output() const { return ContentOf(output_); }

std::string ChildProcess::error_output() const { return ContentOf(error_output_); }

}  // namespace throng::e2e
