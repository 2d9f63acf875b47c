// Data sets, loaders, readers of tables and arrays, changes to images, metrics, the training log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>

#include "framework/framework.h"
#include "nn/nn.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/throws.h"

namespace heed::nn {
namespace {

Tensor numbered(const Shape& shape) { return reshape(arange(shape.numel()), shape); }
std::vector<int64_t> whole(const Tensor& x) { return x.to(DType::i64).to_vector<int64_t>(); }

// A sample is its number and a random one.
class Noisy : public Dataset {
 public:
  explicit Noisy(int64_t n) : n_(n) {}
  int64_t size() const override { return n_; }
  Sample get(int64_t i) const override { return {full({}, static_cast<double>(i)), randn({2})}; }

 private:
  int64_t n_;
};

std::vector<float> epochs(const LoaderOptions& options, int count) {
  DataLoader loader(Noisy(23), options);
  std::vector<float> all;
  for (int epoch = 0; epoch < count; ++epoch) {
    for (const Sample& batch : loader) {
      for (const Tensor& x : batch) {
        for (const float v : x.to_vector<float>()) all.push_back(v);
      }
    }
  }
  return all;
}

TEST(DataLoader, TheSameBitsForAnyNumberOfWorkers) {
  manual_seed(3);
  const Generator::State before = default_generator().state();
  LoaderOptions options{.batch_size = 4, .shuffle = true, .seed = 7};
  const std::vector<float> alone = epochs(options, 3);
  EXPECT_EQ(alone.size(), 3U * 23 * 3);
  for (const int workers : {1, 2, 5}) {
    for (const int64_t ahead : {1, 3}) {
      options.workers = workers;
      options.ahead = ahead;
      EXPECT_EQ(epochs(options, 3), alone) << workers;
    }
  }
  EXPECT_EQ(default_generator().state(), before);
  options.seed = 8;
  EXPECT_NE(epochs(options, 3), alone);
}

uint64_t number_of_a_new_thread() {
  uint64_t number = 0;
  std::jthread([&] { number = default_generator().state().draws >> 40; }).join();
  return number;
}

TEST(DataLoader, WorkersTakeNoNumbersOfThreads) {
  const uint64_t before = number_of_a_new_thread();
  epochs({.batch_size = 4, .workers = 3}, 2);
  EXPECT_EQ(number_of_a_new_thread(), before + 1);
}

TEST(DataLoader, ASamplesNumbersDoNotDependOnItsBatch) {
  std::set<std::vector<float>> seen[23];
  for (const int64_t size : {1, 4, 23}) {
    DataLoader loader(Noisy(23), {.batch_size = size, .shuffle = size == 4, .seed = 5});
    for (const Sample& batch : loader) {
      for (int64_t i = 0; i < batch[0].numel(); ++i)
        seen[static_cast<size_t>(batch[0].at({i}))].insert(batch[1][i].to_vector<float>());
    }
  }
  for (const auto& numbers : seen) EXPECT_EQ(numbers.size(), 1U);
}

TEST(DataLoader, EveryEpochHasEverySampleInAnotherOrder) {
  DataLoader loader(TensorDataset(arange(10)), {.batch_size = 3, .shuffle = true});
  std::set<std::vector<int64_t>> orders;
  for (int epoch = 0; epoch < 5; ++epoch) {
    EXPECT_EQ(loader.epoch(), epoch);
    std::vector<int64_t> order;
    for (const Sample& batch : loader) {
      for (const int64_t i : whole(batch[0])) order.push_back(i);
    }
    orders.insert(order);
    std::ranges::sort(order);
    EXPECT_EQ(order, whole(arange(10)));
  }
  EXPECT_EQ(orders.size(), 5U);
  loader.set_epoch(0);  // goes on where a training was stopped
  std::vector<int64_t> again;
  for (const Sample& batch : loader) {
    for (const int64_t i : whole(batch[0])) again.push_back(i);
  }
  EXPECT_TRUE(orders.contains(again));
}

TEST(DataLoader, SizesAndTheLastBatch) {
  const TensorDataset data(arange(10), numbered({10, 2}));
  DataLoader keeps(data, {.batch_size = 4}), drops(data, {.batch_size = 4, .drop_last = true});
  EXPECT_EQ(keeps.size(), 3);
  EXPECT_EQ(drops.size(), 2);
  std::vector<int64_t> sizes;
  for (const Sample& batch : keeps) sizes.push_back(batch[1].size(0));
  EXPECT_EQ(sizes, (std::vector<int64_t>{4, 4, 2}));
  sizes.clear();
  for (const Sample& batch : drops) sizes.push_back(batch[1].size(0));
  EXPECT_EQ(sizes, (std::vector<int64_t>{4, 4}));
  EXPECT_EQ(DataLoader(data, {.batch_size = INT64_MAX, .workers = 2, .ahead = INT64_MAX}).size(), 1);
  DataLoader none(TensorDataset(zeros({0, 3})), {.workers = 2});
  EXPECT_TRUE(none.begin() == none.end());
}

class Failing : public Dataset {
 public:
  int64_t size() const override { return 12; }
  Sample get(int64_t i) const override {
    if (i == 7) throw std::runtime_error("sample 7 is torn");
    return {full({}, static_cast<double>(i))};
  }
};

TEST(DataLoader, AnErrorComesWithItsBatchAndAnEpochMayBeLeft) {
  for (const int workers : {0, 3}) {
    DataLoader loader(Failing(), {.batch_size = 2, .workers = workers});
    int64_t read = 0;
    EXPECT_THROW(
        {
          for (const Sample& batch : loader) read += batch[0].numel();
        },
        std::runtime_error);
    EXPECT_EQ(read, 6);
    for (const Sample& batch : loader) {
      EXPECT_EQ(batch[0].numel(), 2);
      break;
    }
  }
  EXPECT_ERROR(ValueError, "DataLoader: batch_size must be at least 1, got 0",
               DataLoader(Failing(), {.batch_size = 0}));
}

TEST(DataLoader, RefusesMoreWorkersThanAnyMachineHas) {
  EXPECT_ERROR(ValueError, "DataLoader: workers must be at most 1024, got 100000",
               DataLoader(std::make_shared<Noisy>(4), {.workers = 100000}));
}

// The first sample of a batch has no tensors.
class Uneven : public Dataset {
 public:
  int64_t size() const override { return 4; }
  Sample get(int64_t i) const override { return i == 0 ? Sample{} : Sample{ones({2})}; }
};

TEST(Dataset, NumbersOutsideAndUnevenSamplesAreRefused) {
  const auto whole = std::make_shared<Noisy>(10);
  const Subset some(whole, {1, 2});
  for (const int64_t i : {int64_t{-1}, int64_t{2}, int64_t{5}}) {
    EXPECT_THROW(some.get(i), IndexError);
    EXPECT_THROW(some.batch(std::vector<int64_t>{0, i}), IndexError);
  }
  EXPECT_ERROR(ShapeError, "Dataset: sample 1 has 1 tensors, others 0",
               Uneven().batch(std::vector<int64_t>{0, 1, 2}));
}

TEST(Dataset, SplitsSubsetsAndChanges) {
  const auto data = std::make_shared<TensorDataset>(arange(100));
  const auto [train, test] = train_test_split(data, 0.25, 3);
  EXPECT_EQ(train->size(), 75);
  EXPECT_EQ(test->size(), 25);
  std::set<int64_t> all;
  for (const auto& part : {train, test}) {
    for (int64_t i = 0; i < part->size(); ++i) all.insert(static_cast<int64_t>(part->get(i)[0].item()));
  }
  EXPECT_EQ(all.size(), 100U);
  const auto doubled = std::make_shared<MappedDataset>(test, [](Sample s) { return Sample{s[0] * 2}; });
  EXPECT_EQ(doubled->get(3)[0].item(), 2 * test->get(3)[0].item());
  EXPECT_EQ(train_test_split(data, 0.25, 3).second->get(0)[0].item(), test->get(0)[0].item());
  EXPECT_ERROR(IndexError, "TensorDataset: sample -1 of 3", TensorDataset(zeros({3})).get(-1));
  EXPECT_ERROR(IndexError, "TensorDataset: sample 3 of 3", TensorDataset(zeros({3})).get(3));
  EXPECT_ERROR(ShapeError, "TensorDataset: 3 samples and 2: f32[3] and f32[2, 2]",
               TensorDataset(zeros({3}), zeros({2, 2})));
  EXPECT_ERROR(IndexError, "Subset: sample 100 of 100", Subset(data, {0, 100}));
  EXPECT_ERROR(ValueError, "Subset: no data set given", Subset(nullptr, {}));
  EXPECT_ERROR(ValueError, "train_test_split: a share of 1.5 is not in [0, 1]", train_test_split(data, 1.5));
}

std::filesystem::path write(const TempDir& folder, const std::string& text) {
  write_file_atomically(folder.path() / "file", text);
  return folder.path() / "file";
}

TEST(Readers, TablesBecomeTensors) {
  const TempDir folder;
  const Csv csv = Csv::read(
      write(folder, "\xEF\xBB\xBFheight,\"name, full\",weight\r\n1.5,\"a \"\"b\"\"\nc\",+2e1\n\n-3,d,\n"));
  EXPECT_EQ(csv.columns(), (std::vector<std::string>{"height", "name, full", "weight"}));
  EXPECT_EQ(csv.size(), 2);
  EXPECT_EQ(csv.text("name, full"), (std::vector<std::string>{"a \"b\"\nc", "d"}));
  const Tensor x = csv.numbers({"weight", "height"}, DType::f64);
  EXPECT_EQ(x.shape(), (Shape{2, 2}));
  EXPECT_EQ(x.at({0, 0}), 20);
  EXPECT_EQ(x.at({1, 1}), -3);
  EXPECT_TRUE(std::isnan(x.at({1, 0})));
  const Csv old = Csv::read(write(folder, "a,b\r1,2\r\r3,\"4\"\r"));
  EXPECT_EQ(old.numbers().to_vector<float>(), (std::vector<float>{1, 2, 3, 4}));
  const Csv plain = Csv::read(write(folder, "b;1\na;2\nb;3"), {.separator = ';', .header = false});
  const auto [ids, names] = plain.classes("0");
  EXPECT_EQ(whole(ids), (std::vector<int64_t>{1, 0, 1}));
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
}

TEST(Readers, WhatNoTableIs) {
  const TempDir folder;
  const std::string file = (folder.path() / "file").string();
  EXPECT_ERROR(FormatError, file + ": line 3: 1 cells where the first line has 2",
               Csv::read(write(folder, "a,b\n1,2\n3\n")));
  EXPECT_ERROR(FormatError, file + ": line 2: a quote is not closed",
               Csv::read(write(folder, "a,b\n1,\"2\n3")));
  EXPECT_ERROR(FormatError, file + ": line 2: text behind a closed quote",
               Csv::read(write(folder, "a,b\n\"1\"x,2\n")));
  const Csv csv = Csv::read(write(folder, "a,b\n1,2\n\"x\ny\",3\n4,1e999\n"));
  EXPECT_ERROR(FormatError, file + ": line 3: 'x\ny' in column 'a' is no number", csv.numbers({"a"}));
  EXPECT_ERROR(FormatError, file + ": line 5: '1e999' in column 'b' is no number", csv.numbers({"b"}));
  for (const char* const cell : {"+", "+-1", "++1", "1 2", "0x1"}) {
    EXPECT_ERROR(FormatError, file + ": line 2: '" + cell + "' in column 'a' is no number",
                 Csv::read(write(folder, std::string("a\n") + cell + "\n")).numbers());
  }
  EXPECT_ERROR(FormatError, file + ": line 4: 1 cells where the first line has 2",
               Csv::read(write(folder, "a,b\r\n1,\"2\"\r\n3,4\r\n5\r\n")));
  EXPECT_ERROR(ValueError, "Csv: " + file + " has no column 'c' (a, b)", csv.text("c"));
  EXPECT_THROW(Csv::read(folder.path() / "missing"), IoError);
  EXPECT_EQ(Csv::read(write(folder, "")).size(), 0);
}

std::string idx(uint8_t type, std::vector<uint8_t> extents, const std::string& values) {
  std::string file{0, 0, static_cast<char>(type), static_cast<char>(extents.size())};
  for (const uint8_t extent : extents) file += std::string{0, 0, 0, static_cast<char>(extent)};
  return file + values;
}

TEST(Readers, ArraysOfIdx) {
  const TempDir folder;
  const Tensor images = read_idx(write(folder, idx(0x08, {2, 1, 2}, std::string("\x00\xFF\x07\x80", 4))));
  EXPECT_EQ(images.shape(), (Shape{2, 1, 2}));
  EXPECT_EQ(images.to_vector<float>(), (std::vector<float>{0, 255, 7, 128}));
  EXPECT_EQ(whole(read_idx(write(folder, idx(0x0B, {2}, std::string("\xFF\xFE\x01\x00", 4))), DType::i64)),
            (std::vector<int64_t>{-2, 256}));
  EXPECT_EQ(read_idx(write(folder, idx(0x0D, {1}, std::string("\x3F\xC0\x00\x00", 4)))).item(), 1.5);
  const std::string file = (folder.path() / "file").string();
  EXPECT_ERROR(FormatError, file + ": inf is no whole number of 64 bits",
               read_idx(write(folder, idx(0x0D, {1}, std::string("\x7F\x80\x00\x00", 4))), DType::i64));
  std::string beyond = idx(0x08, {0, 0, 0}, "");
  for (size_t at = 8; at < 16; ++at) beyond[at] = '\xFF';
  EXPECT_ERROR(FormatError, file + ": too many elements in [0, 4294967295, 4294967295]",
               read_idx(write(folder, beyond)));
  EXPECT_ERROR(FormatError, file + ": is no IDX file", read_idx(write(folder, "PK")));
  EXPECT_ERROR(FormatError, file + ": is compressed: gunzip it first",
               read_idx(write(folder, "\x1F\x8B\x08")));
  EXPECT_ERROR(FormatError, file + ": type 0x07 is none of IDX", read_idx(write(folder, idx(7, {1}, "a"))));
  EXPECT_ERROR(FormatError, file + ": has 1 bytes of values where [2] of 1 bytes each are said",
               read_idx(write(folder, idx(8, {2}, "a"))));
}

// Every file that is one change away from a good one is read or refused; nothing else happens (sanitizers
// watch).
TEST(Readers, ChangedFilesAreReadOrRefused) {
  const TempDir folder;
  const auto walk = [&](const std::string& good, const auto& read) {
    int refused = 0;
    for (size_t at = 0; at <= good.size(); ++at) {
      std::vector<std::string> changed = {good.substr(0, at)};
      for (const char c : {'\0', '\x7F', '\xFF', '"', ',', '\n'}) {
        changed.push_back(good), changed.back().insert(at, 1, c);
        if (at < good.size()) changed.push_back(good), changed.back()[at] = c;
      }
      for (const std::string& text : changed) {
        try {
          read(write(folder, text));
        } catch (const FormatError&) {
          ++refused;
        }
      }
    }
    EXPECT_GT(refused, 5);
  };
  walk("a,b\n1,\"2\"\n3,4\n", [](const auto& path) { Csv::read(path).numbers(); });
  walk(idx(0x08, {2, 3}, "abcdef"), [](const auto& path) { read_idx(path); });
}

TEST(Images, ChangesKeepWhatTheyPromise) {
  const Tensor x = numbered({2, 3, 4});
  manual_seed(1);
  EXPECT_EQ(whole(random_flip(x, 1)), whole(flip(x, {-1})));
  EXPECT_EQ(whole(random_flip(x, 0)), whole(x));
  std::set<std::vector<int64_t>> parts;
  for (int i = 0; i < 200; ++i) parts.insert(whole(random_crop(x, 2, 3)));
  EXPECT_EQ(parts.size(), 4U);  // all places
  EXPECT_EQ(random_crop(x, 5, 6, 2).shape(), (Shape{2, 5, 6}));
  EXPECT_EQ(whole(centre_crop(x, 1, 2)[0]), (std::vector<int64_t>{5, 6}));
  const Tensor scaled = normalize(x, {0, 12}, {1, 2});
  EXPECT_EQ(scaled.at({0, 0, 3}), 3);
  EXPECT_EQ(scaled.at({1, 0, 2}), 1);
  EXPECT_ERROR(ShapeError, "random_crop: no part of 4 x 3 in [2, 3, 4]", random_crop(x, 4, 3));
  EXPECT_ERROR(ShapeError, "normalize: 1 means and 1 deviations for 2 channels", normalize(x, {0}, {1}));
  EXPECT_ERROR(ValueError, "random_flip: 2 is no probability", random_flip(x, 2));
}

TEST(Metrics, OfDecisions) {
  const Tensor targets = from_vector(std::vector<int64_t>{0, 0, 1, 1, 2}, {5}),
               made = from_vector(std::vector<int64_t>{0, 1, 1, 1, 0}, {5});
  EXPECT_EQ(whole(confusion_matrix(made, targets, 3)), (std::vector<int64_t>{1, 1, 0, 0, 2, 0, 1, 0, 0}));
  EXPECT_NEAR(accuracy(made, targets), 0.6, 1e-6);
  const std::vector<double> f1 = f1_scores(made, targets, 3).to_vector<double>();
  EXPECT_NEAR(f1[0], 0.5, 1e-12);
  EXPECT_NEAR(f1[1], 0.8, 1e-12);
  EXPECT_EQ(f1[2], 0);
  EXPECT_NEAR(f1_score(made, targets, 3), 1.3 / 3, 1e-12);
  EXPECT_NEAR(f1_score(made, targets, 3, Average::micro), 0.6, 1e-6);
  EXPECT_NEAR(accuracy(one_hot(made, 3), targets), 0.6, 1e-6);  // scores
  EXPECT_TRUE(std::isnan(accuracy(zeros({0}, DType::i64), zeros({0}, DType::i64))));
  EXPECT_ERROR(IndexError, "confusion_matrix: class 2 of 2", confusion_matrix(made, targets, 2));
  EXPECT_THROW(accuracy(zeros({5}), targets), DTypeError);
}

TEST(Metrics, AreaUnderTheCurveIsTheShareOfPairsInOrder) {
  manual_seed(4);
  for (const int64_t n : {2, 7, 40}) {
    const Tensor scores = arange(n).to(DType::f64), coarse = (randn({n}) * 2).to(DType::i64).to(DType::f64);
    Tensor positive = randn({n}) > 0;
    positive.index_put_({0}, true), positive.index_put_({1}, false);
    for (const Tensor& s : {scores, coarse}) {
      const std::vector<double> v = s.to_vector<double>();
      const std::vector<bool> p = positive.to_vector<bool>();
      double right = 0, pairs = 0;
      for (size_t i = 0; i < v.size(); ++i) {
        for (size_t j = 0; j < v.size(); ++j) {
          if (!p[i] || p[j]) continue;
          pairs += 1;
          right += v[i] > v[j] ? 1 : v[i] == v[j] ? 0.5 : 0;
        }
      }
      EXPECT_NEAR(auroc(s, positive), right / pairs, 1e-12);
    }
  }
  EXPECT_TRUE(std::isnan(auroc(zeros({3}), zeros({3}, DType::i64))));
  EXPECT_ERROR(ValueError, "auroc: score 0 is NaN", auroc(full({1}, NAN), zeros({1}, DType::i64)));
}

TEST(TrainingLogTest, PrintsWritesAndDraws) {
  const TempDir folder;
  TrainingLog log({.json = folder.path() / "log.jsonl", .print_every = 2});
  ::testing::internal::CaptureStdout();
  log.add(1, {{"loss", 2.5}});
  log.add(2, {{"loss", NAN}, {"a \"b\"", 0.5}});
  log.add(3, {{"loss", 1}});
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "step 2  loss nan  a \"b\" 0.5000\n");
  EXPECT_EQ(read_file(folder.path() / "log.jsonl"),
            "{\"step\":1,\"loss\":2.5}\n{\"step\":2,\"loss\":null,\"a "
            "\\\"b\\\"\":0.5}\n{\"step\":3,\"loss\":1.0}\n");
  EXPECT_EQ(log.curve("loss").size(), 3U);
  EXPECT_TRUE(log.curve("none").empty());
  log.plot(folder.path() / "curves.svg");
  const std::string svg = read_file(folder.path() / "curves.svg");
  EXPECT_THAT(svg, ::testing::HasSubstr("a &quot;b&quot;"));
  EXPECT_THAT(svg, ::testing::HasSubstr("M62.0 30.0M346.0 186.0"));  // interrupted at the NaN
  EXPECT_THAT(TrainingLog().svg(), ::testing::HasSubstr("</svg>"));
}

}  // namespace
}  // namespace heed::nn
