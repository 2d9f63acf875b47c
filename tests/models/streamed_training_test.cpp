// Training pairs as a stream: the block of ids, the files beside a corpus, and trainings that read them,
// which are the trainings in memory to the bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <numeric>

#include "framework/io/file.h"
#include "framework/io/safetensors.h"
#include "models/architectures/convolutional/options.h"
#include "models/architectures/transformer/options.h"
#include "models/corpus/id_files.h"
#include "models/run/files.h"
#include "models/text/fingerprint.h"
#include "models/training/batch_reader.h"
#include "models/training/encoded.h"
#include "models/training/vocabularies.h"
#include "tests/models/copy_task.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<EncodedPair> some_pairs(int count, int entries) {
  std::vector<EncodedPair> pairs;
  Generator generator(7);
  const auto ids = [&] {
    std::vector<int> result(generator.next_below(9));
    for (int& id : result) id = static_cast<int>(generator.next_below(static_cast<uint64_t>(entries)));
    return result;
  };
  for (int i = 0; i < count; ++i) {
    EncodedPair pair{ids(), ids()};
    pair.source.push_back(2);
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

void expect_pairs(const EncodedPairs& read, const std::vector<EncodedPair>& written) {
  ASSERT_EQ(read.size(), static_cast<int64_t>(written.size()));
  for (size_t i = 0; i < written.size(); ++i) {
    const EncodedPair pair = read[static_cast<int64_t>(i)];
    EXPECT_EQ(pair.source, written[i].source) << i;
    EXPECT_EQ(pair.target, written[i].target) << i;
  }
}

// Ids of two and of four bytes; numbers of pairs about the groups whose beginnings are known.
TEST(EncodedPairs, AreReadAsTheyWereWritten) {
  for (const int entries : {50, 65536, 65537, 200000}) {
    for (const int count : {0, 1, 63, 64, 65, 300}) {
      const std::vector<EncodedPair> pairs = some_pairs(count, entries);
      const TempDir folder;
      IdFile file;
      const auto fill = [&](PairWriter& writer) {
        for (const EncodedPair& pair : pairs) writer.add(pair.source, pair.target);
        writer.skip();
      };
      const EncodedPairs stored = stored_pairs({.folder = folder / "ids",
                                                .text_mark = "0123456789abcdef",
                                                .encoding = "words",
                                                .source_entries = entries,
                                                .target_entries = entries},
                                               fill, {}, file);
      expect_pairs(stored, pairs);
      expect_pairs(EncodedPairs(pairs), pairs);
      EXPECT_EQ(stored.counts().skipped, 1U);
      EXPECT_EQ(stored.hash().value(), EncodedPairs(pairs).hash().value());
      EXPECT_EQ(file.bytes, std::filesystem::file_size(file.path));
    }
  }
}

// The order as it is defined: shuffled, sorted by target and source with equal ones as they are, cut, and the
// batches shuffled.
std::vector<std::vector<int64_t>> batches_as_defined(const std::vector<EncodedPair>& pairs, size_t size,
                                                     int64_t tokens, uint64_t seed, int64_t epoch) {
  Generator generator(seed * 0x9E3779B97F4A7C15U + static_cast<uint64_t>(epoch) + 1);
  const auto shuffle = [&](auto& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[generator.next_below(i)]);
  };
  std::vector<int64_t> order(pairs.size());
  std::iota(order.begin(), order.end(), 0);
  shuffle(order);
  const auto lengths = [&](int64_t i) {
    const EncodedPair& pair = pairs[static_cast<size_t>(i)];
    return std::pair(pair.target.size(), pair.source.size());
  };
  std::ranges::stable_sort(order, {}, lengths);
  std::vector<std::vector<int64_t>> batches;
  size_t longest = 0;
  for (const int64_t i : order) {
    const auto [target, source] = lengths(i);
    const size_t length = std::max(source, target + 1), after = std::max(longest, length);
    const bool full =
        !batches.empty() && (tokens > 0 ? after * (batches.back().size() + 1) > static_cast<size_t>(tokens)
                                        : batches.back().size() == size);
    if (batches.empty() || full) batches.emplace_back();
    longest = full ? length : after;
    batches.back().push_back(i);
  }
  shuffle(batches);
  return batches;
}

TEST(EncodedPairs, BatchesOfAnEpochAreAsDefined) {
  const std::vector<EncodedPair> pairs = some_pairs(500, 50);
  const EncodedPairs block(pairs);
  for (const int64_t tokens : {0, 40}) {
    for (const int64_t epoch : {0, 1, 7}) {
      const auto expected = batches_as_defined(pairs, 16, tokens, 3, epoch);
      EXPECT_EQ(epoch_batches(pairs, 16, 3, epoch, tokens), expected);
      const EpochBatches batches(block.lengths(), {.pairs = 16, .tokens = tokens}, 3, epoch);
      ASSERT_EQ(batches.size(), static_cast<int64_t>(expected.size()));
      std::vector<int64_t> seen;
      for (int64_t i = 0; i < batches.size(); ++i) {
        EXPECT_EQ(std::vector<int64_t>(batches[i].begin(), batches[i].end()),
                  expected[static_cast<size_t>(i)]);
        seen.insert(seen.end(), batches[i].begin(), batches[i].end());
      }
      std::ranges::sort(seen);
      for (size_t i = 0; i < seen.size(); ++i) ASSERT_EQ(seen[i], static_cast<int64_t>(i));  // each pair once
    }
  }
}

class IdFiles : public testing::Test {
 protected:
  EncodedPairs open(const std::string& text_mark, const std::string& encoding) {
    ++opened_;
    return stored_pairs(
        {.folder = folder_ / "ids",
         .text_mark = text_mark,
         .encoding = encoding,
         .source_entries = 50,
         .target_entries = 50},
        [&](PairWriter& writer) {
          for (const EncodedPair& pair : pairs_) writer.add(pair.source, pair.target);
          ++encoded_;
        },
        [&](const std::string& line) { notes_.push_back(line); }, file_);
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& path : list_folder(folder_ / "ids")) names.push_back(path.filename().string());
    return names;
  }
  TempDir folder_;
  std::vector<EncodedPair> pairs_ = some_pairs(100, 50);
  int opened_ = 0, encoded_ = 0;
  std::vector<std::string> notes_;
  IdFile file_;
};

TEST_F(IdFiles, AreMadeOnceForATextAndAnEncoding) {
  const std::string a = fingerprint("a"), b = fingerprint("b");
  open(a, "words");
  EXPECT_EQ(encoded_, 1);
  file_ = {};
  expect_pairs(open(a, "words"), pairs_);
  EXPECT_EQ(encoded_, 1);
  open(a, "pieces");
  EXPECT_EQ(encoded_, 2);
  EXPECT_THAT(files(), SizeIs(2));  // those of another run with the same corpus stay
  const EncodedPairs mapped = open(a, "words");
  open(b, "words");  // the corpus has changed
  EXPECT_EQ(encoded_, 3);
  EXPECT_THAT(files(), SizeIs(1));
  expect_pairs(mapped, pairs_);    // of a training that still reads the file that is gone
  EXPECT_THAT(notes_, SizeIs(6));  // before and after each
  for (const std::string& name : files()) EXPECT_TRUE(is_id_file(name)) << name;
  EXPECT_FALSE(is_id_file("train.en"));
  EXPECT_TRUE(is_id_file(files().front() + ".tmp0123abcd"));
}

TEST_F(IdFiles, ThatAreDamagedAreMadeAgain) {
  const std::string mark = fingerprint("a");
  open(mark, "words");
  const std::string whole = read_file(file_.path);
  const auto encoded_again = [&](const std::string& content) {
    write_file_atomically(file_.path, content);
    const int before = encoded_;
    expect_pairs(open(mark, "words"), pairs_);
    EXPECT_EQ(read_file(file_.path), whole);
    return encoded_ > before;
  };
  EXPECT_FALSE(encoded_again(whole));
  for (const size_t size : {size_t{0}, size_t{127}, size_t{128}, whole.size() / 2, whole.size() - 1})
    EXPECT_TRUE(encoded_again(whole.substr(0, size))) << size;
  for (size_t at = 0; at < whole.size(); at += at < whole.size() - 128 ? 7 : 1) {
    std::string mutant = whole;
    mutant[at] = static_cast<char>(mutant[at] ^ 0x41);
    if (at >= whole.size() - 24) break;  // zeros that nothing reads
    EXPECT_TRUE(encoded_again(mutant)) << at << " of " << whole.size();
    write_file_atomically(file_.path, whole);
  }
}

// What lies there under such a name and is no file is not read, waited for or written through.
TEST_F(IdFiles, InWhosePlaceIsSomethingElseLeaveItAlone) {
  const std::string mark = fingerprint("a");
  open(mark, "words");
  const std::filesystem::path path = file_.path;
  write_file_atomically(folder_ / "precious", "precious");
  const std::function<void()> others[] = {
      [&] { std::filesystem::create_directory(path); },
      [&] { std::filesystem::create_symlink(folder_ / "precious", path); },
      [&] { ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0); },
  };
  for (const auto& put : others) {
    std::filesystem::remove(path);
    put();
    expect_pairs(open(mark, "words"), pairs_);
    EXPECT_TRUE(file_.path.empty());
    EXPECT_THAT(notes_.back(), HasSubstr("held in memory: '" + path.string() + "' is no file"));
  }
  EXPECT_EQ(read_file(folder_ / "precious"), "precious");
}

TEST_F(IdFiles, ThatCannotBeWrittenLeaveThePairsInMemory) {
  write_file_atomically(folder_ / "ids", "a file where the folder would be");
  expect_pairs(open(fingerprint("a"), "words"), pairs_);
  EXPECT_TRUE(file_.path.empty());
  ASSERT_THAT(notes_, SizeIs(1));
  EXPECT_THAT(notes_[0], HasSubstr("the ids of the training pairs are held in memory: "));
}

TEST(BatchReader, BeginsAnywhereAndGoesOn) {
  const std::vector<EncodedPair> pairs = some_pairs(50, 50);
  const UpdateSizes sizes{.batch = {.pairs = 4}, .accumulate = 3};
  const auto sources = [](const UpdatePairs& update) {
    std::vector<std::vector<int>> all;
    for (const auto& batch : update.batches) {
      for (const EncodedPair& pair : batch) all.push_back(pair.source);
    }
    return all;
  };
  std::vector<std::vector<std::vector<int>>> expected;
  BatchReader whole(EncodedPairs(pairs), sizes, 1, 0, 0);
  for (int i = 0; i < 15; ++i) {  // three epochs of 13 batches, five updates each
    const UpdatePairs update = whole.next();
    EXPECT_EQ(update.updates, 5);
    EXPECT_THAT(update.batches, SizeIs(i % 5 == 4 ? 1 : 3));
    expected.push_back(sources(update));
  }
  for (int begin = 0; begin < 15; ++begin) {
    BatchReader reader(EncodedPairs(pairs), sizes, 1, begin / 5, begin % 5);
    for (int i = begin; i < 15; ++i) EXPECT_EQ(sources(reader.next()), expected[static_cast<size_t>(i)]);
  }
  BatchReader behind(EncodedPairs(pairs), sizes, 1, 0, 5);
  EXPECT_THAT(behind.next().batches, IsEmpty());
}

TEST(LearnedText, OfASampleAndOfAll) {
  RunConfig config;
  config.train.subwords = SubwordKind::bpe;
  config.train.subword_vocabulary = 40;
  config.source_text.tokenizer = config.target_text.tokenizer = Tokenizer::words;
  const PairsInMemory text(copy_corpus(300, 1));
  const auto model = [&](int64_t sentences, uint64_t seed = 1) {
    config.train.subword_sentences = sentences;
    config.train.seed = seed;
    return learn_side(config, text, Sides::both).model;
  };
  EXPECT_EQ(model(0), model(300));
  EXPECT_EQ(model(0), model(1'000'000));
  EXPECT_NE(model(0), model(3));
  EXPECT_EQ(model(3), model(3));
  EXPECT_NE(model(3), model(3, 2));
  const LearnedText learned = learn_side(config, text, Sides::both);
  for (int i = 0; i < 12; ++i) {  // what the sample does not have is in the vocabulary: it counts all pairs
    EXPECT_TRUE(learned.vocabulary.contains(std::to_string(i)) ||
                learned.vocabulary.contains(std::to_string(i).substr(0, 1)))
        << i;
  }
}

// The same pairs in two files, of which one line is held at a time.
class StreamedTraining : public testing::TestWithParam<const char*> {
 protected:
  StreamedTraining() {
    const TokenisedCorpus corpus = copy_corpus(60, 1);
    const auto write = [&](const char* name, const std::vector<std::vector<std::string>>& lines) {
      std::ofstream file(folder_ / name);
      for (const auto& words : lines) file << join(words) << '\n';
    };
    write("train.en", corpus.source);
    write("train.de", corpus.target);
  }
  RunConfig config(Precision precision) const {
    RunConfig config = tiny_config();
    const std::string kind = GetParam();
    if (kind == "transformer")
      config.model = TransformerOptions{
          .encoder_layers = 1, .decoder_layers = 1, .model_size = 16, .feed_forward = 16, .heads = 2};
    if (kind == "convolutional")
      config.model =
          ConvolutionalOptions{.encoder_layers = 1, .decoder_layers = 1, .embedding = 16, .hidden = 16};
    if (kind != "recurrent") config.train.subwords = SubwordKind::bpe;
    config.train.subword_vocabulary = 30;
    config.train.batch_size = 8;
    config.train.batch_tokens = kind == "transformer" ? 40 : 0;
    config.train.accumulate = kind == "convolutional" ? 2 : 1;
    config.train.epochs = 3;
    config.train.precision = precision;
    config.source_text.tokenizer = config.target_text.tokenizer = Tokenizer::words;
    return config;
  }
  std::shared_ptr<const TrainingData> streamed() const {
    const auto side = [&](const char* name) {
      return PairsInFiles::Side{folder_ / name, {.tokenizer = Tokenizer::words}};
    };
    return std::make_shared<const TrainingData>(
        std::make_shared<const PairsInFiles>(side("train.en"), side("train.de"), 60), copy_corpus(10, 2),
        folder_ / "ids", fingerprint("a"));
  }
  // The state at the end, without the seconds.
  std::map<std::string, std::vector<double>> trained(const std::string& run, const RunConfig& config,
                                                     const std::shared_ptr<const TrainingData>& data,
                                                     const std::vector<int64_t>& stops) {
    int64_t update = 0;
    const auto go = [&](TrainingSession session, int64_t stop) {
      session.run({.progress = [&](const TrainProgress& p) { update = p.update; },
                   .should_stop = [&, stop] { return update >= stop; },
                   .clock = fake_clock});
    };
    go(TrainingSession::start(folder_ / run, config, data), stops.empty() ? INT64_MAX : stops.front());
    for (size_t i = 0; i < stops.size(); ++i) {
      go(TrainingSession::resume(folder_ / run, config, data),
         i + 1 < stops.size() ? stops[i + 1] : INT64_MAX);
    }
    std::map<std::string, std::vector<double>> state;
    for (const auto& [name, value] : load_safetensors(folder_ / run / run_files::kState).tensors) {
      if (!name.ends_with("seconds")) state[name] = value.to(DType::f64).to_vector<double>();
    }
    return state;
  }
  TempDir folder_;
};

TEST_P(StreamedTraining, IsTheTrainingInMemoryToTheBit) {
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    const RunConfig config = this->config(precision);
    const auto memory = std::make_shared<const TrainingData>(copy_corpus(60, 1), copy_corpus(10, 2));
    const std::string name = name_of_choice(precision);
    const auto expected = trained("memory-" + name, config, memory, {});
    EXPECT_EQ(trained("stream-" + name, config, streamed(), {}), expected);
    EXPECT_EQ(trained("stopped-" + name, config, streamed(), {1, 9, 12}), expected);
    // what began in memory goes on from a file, and the other way round
    EXPECT_EQ(trained("memory-stopped-" + name, config, memory, {5, 13}), expected);
  }
  EXPECT_THAT(list_folder(folder_ / "ids"), SizeIs(1));
}
INSTANTIATE_TEST_SUITE_P(Kinds, StreamedTraining,
                         testing::Values("recurrent", "transformer", "convolutional"),
                         [](const auto& kind) { return kind.param; });

TEST(PairsInFiles, SayWhatIsWrongWithTheirFiles) {
  const TempDir folder;
  const auto write = [&](const char* name, const std::string& text) {
    write_file_atomically(folder / name, text);
  };
  const auto read = [&] {
    TokenisedCorpus corpus = tokens_of(PairsInFiles({folder / "a", {.tokenizer = Tokenizer::none}},
                                                    {folder / "b", {.tokenizer = Tokenizer::none}}, 2));
    return corpus.source;
  };
  write("a", "one two\nthree\n");
  write("b", "eins zwei\ndrei\n");
  EXPECT_THAT(read(), ElementsAre(ElementsAre("one", "two"), ElementsAre("three")));
  write("b", "eins zwei\n");
  EXPECT_THAT(read, testing::ThrowsMessage<FormatError>(HasSubstr("/b' has 1 line, and the corpus 2 pairs")));
  write("b", "eins\nzwei\ndrei\n");
  EXPECT_THAT(read,
              testing::ThrowsMessage<FormatError>(HasSubstr("more lines than the corpus has pairs, 2")));
  write("b", "eins\nzw\xFF\n");
  EXPECT_THAT(read, testing::ThrowsMessage<FormatError>(HasSubstr("/b' line 2 is not UTF-8")));
}

}  // namespace
}  // namespace heed::models
