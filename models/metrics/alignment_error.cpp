#include "models/metrics/alignment_error.h"

#include <algorithm>
#include <set>

namespace heed::models {
namespace {

using LinkSet = std::set<AlignmentLink>;

double ratio(int64_t part, int64_t whole, double otherwise) {
  return whole == 0 ? otherwise : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

AlignmentCounts& AlignmentCounts::operator+=(const AlignmentCounts& other) {
  links += other.links;
  sure += other.sure;
  links_sure += other.links_sure;
  links_possible += other.links_possible;
  return *this;
}

double AlignmentCounts::error_rate() const { return 1 - ratio(links_sure + links_possible, links + sure, 1); }
double AlignmentCounts::precision() const { return ratio(links_possible, links, 1); }
double AlignmentCounts::recall() const { return ratio(links_sure, sure, 1); }

AlignmentCounts compare_links(std::span<const AlignmentLink> links, const GoldAlignment& gold) {
  const LinkSet found(links.begin(), links.end()), sure(gold.sure.begin(), gold.sure.end());
  const LinkSet possible(gold.possible.begin(), gold.possible.end());
  AlignmentCounts counts;
  counts.links = static_cast<int64_t>(found.size());
  counts.sure = static_cast<int64_t>(sure.size());
  for (const auto& link : found) {
    const bool is_sure = sure.contains(link);
    counts.links_sure += is_sure;
    counts.links_possible += is_sure || possible.contains(link);
  }
  return counts;
}

std::vector<AlignmentLink> perfect_attention_links(const GoldAlignment& gold, int target_length) {
  std::vector<AlignmentLink> best;
  for (int target = 0; target < target_length; ++target) {
    const auto is_mine = [&](const AlignmentLink& link) { return link.target == target; };
    AlignmentLink link{0, target};  // a wrong one: the word has none
    if (const auto it = std::ranges::find_if(gold.possible, is_mine); it != gold.possible.end()) link = *it;
    if (const auto it = std::ranges::find_if(gold.sure, is_mine); it != gold.sure.end()) link = *it;
    best.push_back(link);
  }
  return best;
}

}  // namespace heed::models
