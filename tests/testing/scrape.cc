#include "tests/testing/scrape.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <regex>
#include <sstream>

#include "fmt/format.h"

namespace throng::testing {
namespace {

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// The family that a sample belongs to: histograms and summaries have samples with longer names.
Scrape::Family* FamilyOf(const std::string& sample, Scrape* scrape) {
  for (const std::string end : {"", "_bucket", "_count", "_sum"}) {
    if (!EndsWith(sample, end)) continue;
    const auto family = scrape->families.find(sample.substr(0, sample.size() - end.size()));
    if (family == scrape->families.end()) continue;
    const bool has_parts = family->second.type == "histogram" || family->second.type == "summary";
    if (end.empty() || has_parts) return &family->second;
  }
  return nullptr;
}

void ParseSample(const std::string& line, Scrape* scrape) {
  static const std::regex kSample(R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+))re");
  static const std::regex kLabel(R"re(([a-zA-Z_][a-zA-Z0-9_]*)="([^"\\]*)",?)re");
  std::smatch sample;
  if (!std::regex_match(line, sample, kSample)) {
    scrape->unreadable.push_back("no sample: " + line);
    return;
  }
  MetricLabels labels;
  const std::string text = sample[2];
  size_t read = 0;
  for (std::sregex_iterator label(text.begin(), text.end(), kLabel), end; label != end; ++label) {
    labels[(*label)[1]] = (*label)[2];
    read += static_cast<size_t>(label->length());
  }
  Scrape::Family* family = FamilyOf(sample[1], scrape);
  if (read != text.size() || family == nullptr) {
    scrape->unreadable.push_back("labels or family: " + line);
  } else if (!family->samples[sample[1]].emplace(labels, std::stod(sample[3])).second) {
    scrape->unreadable.push_back("twice: " + line);
  }
}

// Of one family.
std::vector<std::string> FamilyFaults(const std::string& name, const Scrape::Family& family) {
  static const std::regex kName("(throng|process)_[a-z0-9]+(_[a-z0-9]+)*");
  std::vector<std::string> faults;
  const bool is_distribution = family.type == "histogram" || family.type == "summary";
  if (family.help.empty()) faults.push_back(name + " has no HELP");
  if (family.type.empty()) faults.push_back(name + " has no TYPE");
  if (!std::regex_match(name, kName)) faults.push_back(name + " is named otherwise");
  if ((family.type == "counter") != EndsWith(name, "_total")) {
    faults.push_back(fmt::format("{} is a {}", name, family.type));
  }
  if (is_distribution && !EndsWith(name, "_seconds")) faults.push_back(name + " has no unit");
  for (const auto& [sample, values] : family.samples) {
    for (const auto& [labels, value] : values) {
      if (!(value >= 0)) faults.push_back(fmt::format("{} is {}", sample, value));
    }
  }
  return faults;
}

// The buckets of a histogram count up to all of it.
std::vector<std::string> BucketFaults(const std::string& name, const Scrape& scrape) {
  std::vector<std::string> faults;
  std::map<MetricLabels, std::map<double, double>> histograms;
  for (const auto& [labels, count] : scrape.families.at(name).samples.at(name + "_bucket")) {
    MetricLabels others = labels;
    others.erase("le");
    histograms[others][std::stod(labels.at("le"))] = count;
  }
  for (const auto& [labels, buckets] : histograms) {
    double below = 0;
    for (const auto& [bound, count] : buckets) {
      if (count < below) faults.push_back(fmt::format("{} falls at {}", name, bound));
      below = count;
    }
    if (scrape.Value(name + "_count", labels) != below) faults.push_back(name + " counts others");
  }
  return faults;
}

}  // namespace

std::string HttpGet(int port, const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
    if (write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
      char bytes[4096];
      for (ssize_t got = 0; (got = read(fd, bytes, sizeof(bytes))) > 0;) {
        answer.append(bytes, static_cast<size_t>(got));
      }
    }
  }
  close(fd);
  return answer;
}

std::optional<double> Scrape::Value(const std::string& name, const MetricLabels& labels) const {
  for (const auto& [ignored, family] : families) {
    const auto values = family.samples.find(name);
    if (values == family.samples.end()) continue;
    const auto value = values->second.find(labels);
    if (value != values->second.end()) return value->second;
  }
  return std::nullopt;
}

double Scrape::Sum(const std::string& name) const {
  double sum = 0;
  for (const auto& [ignored, family] : families) {
    const auto values = family.samples.find(name);
    if (values == family.samples.end()) continue;
    for (const auto& [labels, value] : values->second) sum += value;
  }
  return sum;
}

Scrape ParseScrape(const std::string& body) {
  Scrape scrape;
  std::istringstream lines(body);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string mark, kind, name, rest;
    words >> mark >> kind >> name;
    std::getline(words >> std::ws, rest);
    if (mark != "#") {
      if (!line.empty()) ParseSample(line, &scrape);
    } else if (kind == "HELP") {
      scrape.families[name].help = rest;
    } else if (kind == "TYPE") {
      scrape.families[name].type = rest;
    } else {
      scrape.unreadable.push_back("neither HELP nor TYPE: " + line);
    }
  }
  return scrape;
}

Scrape ScrapeMetrics(int port) {
  const std::string answer = HttpGet(port, "/metrics");
  const size_t head = answer.find("\r\n\r\n");
  EXPECT_TRUE(std::regex_search(answer, std::regex("^HTTP/1\\.[01] 200 "))) << answer;
  EXPECT_NE(answer.find("Content-Type: text/plain"), std::string::npos) << answer;
  return head == std::string::npos ? Scrape() : ParseScrape(answer.substr(head + 4));
}

std::vector<std::string> Faults(const Scrape& scrape) {
  std::vector<std::string> faults = scrape.unreadable;
  for (const auto& [name, family] : scrape.families) {
    if (name.starts_with("exposer_")) continue;  // the HTTP library's own
    for (std::string& fault : FamilyFaults(name, family)) faults.push_back(std::move(fault));
    if (family.type != "histogram" || family.samples.empty()) continue;
    for (std::string& fault : BucketFaults(name, scrape)) faults.push_back(std::move(fault));
  }
  return faults;
}

}  // namespace throng::testing
