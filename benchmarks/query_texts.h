// Texts of the selection benchmark's queries that other benchmarks ask for as well.
//
//   session.Count(kQ5);
#ifndef THRONG_BENCHMARKS_QUERY_TEXTS_H_
#define THRONG_BENCHMARKS_QUERY_TEXTS_H_

namespace throng::bench {

inline constexpr char kQ1[] = "city = 'v1'";
inline constexpr char kQ2[] = "city = 'v1' and views_7d > 3";
inline constexpr char kQ3[] =
    "gender = 'v0' and age_band = 'v0' and device = 'v0' and membership = 'v0' and "
    "product_type = 'v0'";
inline constexpr char kQ5[] =
    "((city = 'v1' and device = 'v0') or (channel = 'v2' and not is_graduate) or (age_band = 'v1' "
    "and membership = 'v1' and product_type = 'v1')) and gender = 'v0'";
inline constexpr char kQ7[] = "spend between 100 and 5000 and last_active_days <= 7";

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_QUERY_TEXTS_H_
