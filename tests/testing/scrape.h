// Asks a metrics endpoint, and reads what it answers.
//
//   const Scrape scrape = ScrapeMetrics(port);
//   EXPECT_EQ(scrape.Value("throng_population_users", {{"population", "default"}}), 1'000);
//   EXPECT_THAT(Faults(scrape), testing::IsEmpty());
//
// Written from the description of the text format, not from the library that writes it.
// Values: thread-compatible; functions: thread-safe.
#ifndef THRONG_TESTS_TESTING_SCRAPE_H_
#define THRONG_TESTS_TESTING_SCRAPE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace throng::testing {

// What the loopback interface answers to GET `path` on `port`: header and body as they came; empty
// if nobody listens.
std::string HttpGet(int port, const std::string& path);

using MetricLabels = std::map<std::string, std::string>;

struct Scrape {
  struct Family {
    std::string help;
    std::string type;
    std::map<std::string, std::map<MetricLabels, double>> samples;  // by name, then by labels
  };
  std::map<std::string, Family> families;
  std::vector<std::string> unreadable;  // lines, and why

  // Of a sample by its own name, e.g. throng_rpc_duration_seconds_count. None: nullopt.
  std::optional<double> Value(const std::string& name, const MetricLabels& labels = {}) const;
  // Of all labels together; 0 if there is none.
  double Sum(const std::string& name) const;
};

Scrape ParseScrape(const std::string& body);
// GET /metrics. Fails the test unless the answer is 200 with the content type of the format.
Scrape ScrapeMetrics(int port);

// What breaks the conventions: a family without HELP or TYPE, a name without a prefix that is ours
// or the operating system's, a counter that is not _total, another that is, a histogram or summary
// of times that are not seconds, buckets that fall, a negative value.
std::vector<std::string> Faults(const Scrape& scrape);

}  // namespace throng::testing

#endif  // THRONG_TESTS_TESTING_SCRAPE_H_
