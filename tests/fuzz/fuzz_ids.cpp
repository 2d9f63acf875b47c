// The file of ids beside a corpus.
#include "models/corpus/encoded_pairs.h"
#include "tests/fuzz/fuzz.h"

namespace heed::fuzz::ids {

constexpr uint64_t kKey = 7;

void read(std::string_view bytes) {
  const std::filesystem::path path = scratch("pairs.ids");
  put(path, bytes);
  const models::EncodedPairs pairs = models::EncodedPairs::map(path, kKey);
  for (int64_t i = 0; i < pairs.size(); ++i) {
    const models::EncodedPair pair = pairs[i];
    require(pair.source.size() == pairs.lengths()[static_cast<size_t>(i)].source, "lengths of its pairs");
  }
  pairs.release_pages();
}

std::string file_of(int entries, int count) {
  std::string bytes;
  models::PairWriter writer(entries, entries, kKey, [&](std::string_view part) { bytes += part; });
  for (int i = 0; i < count; ++i)
    writer.add(std::vector<int>{i % 5, 4, 2}, std::vector<int>(static_cast<size_t>(i % 7), i % entries));
  writer.skip();
  writer.finish();
  return bytes;
}

std::vector<std::string> seeds() { return {file_of(9, 0), file_of(9, 3), file_of(9, 70), file_of(70000, 5)}; }

}  // namespace heed::fuzz::ids
HEED_FUZZ_TARGET(ids, "heedids1")
