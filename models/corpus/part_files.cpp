#include "models/corpus/part_files.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "framework/core/error.h"

namespace heed::models {

namespace fs = std::filesystem;

Spool::Spool(fs::path path) : path_(std::move(path)), file_(std::fopen(path_.c_str(), "w+bx"), &std::fclose) {
  if (!file_) fail("write");
}

void Spool::add(const RawPair& pair) {
  for (const std::string_view text : {pair.source, pair.target, pair.attribution}) {
    const auto size = static_cast<uint32_t>(text.size());  // a line has a mebibyte at most
    if (std::fwrite(&size, sizeof size, 1, file_.get()) != 1 ||
        (!text.empty() && std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()))
      fail("write");
  }
}

void Spool::rewind() {
  if (std::fflush(file_.get()) != 0 || std::fseek(file_.get(), 0, SEEK_SET) != 0) fail("write");
}

RawPair Spool::next() {
  for (std::string& text : texts_) {
    uint32_t size = 0;
    if (std::fread(&size, sizeof size, 1, file_.get()) != 1) fail("read");
    text.resize(size);
    if (std::fread(text.data(), 1, size, file_.get()) != size) fail("read");
  }
  return {texts_[0], texts_[1], texts_[2], {}};
}

void Spool::fail(const char* what) const {
  throw IoError(fmt::format("cannot {} '{}': {}", what, path_.string(), std::strerror(errno)));
}

Drops::Drops(const fs::path& path) {
  if (!path.empty()) file_.emplace(path);
}

void Drops::add(Drop why, std::string_view source, std::string_view target) {
  ++counts_[static_cast<size_t>(why)];
  if (!file_) return;
  lines_ += fmt::format("{}\t{}\t{}\n", key_of(why), source, target);
  if (lines_.size() < (size_t{1} << 16)) return;
  file_->write(lines_);
  lines_.clear();
}

void Drops::close(CorpusInfo& info) {
  for (size_t i = 0; i < kDrops; ++i) {
    if (counts_[i] > 0) info.dropped.emplace_back(key_of(static_cast<Drop>(i)), counts_[i]);
  }
  if (!file_) return;
  file_->write(lines_);
  file_->commit();
}

PartWriter::PartWriter(CorpusWriter& writer, const std::string& part, const std::string& source_language,
                       const std::string& target_language, PartColumns columns)
    : source_(writer.file(part + "." + source_language)),
      target_(writer.file(part + "." + target_language)),
      attribution_(columns.attribution ? &writer.file(part + ".attribution") : nullptr),
      documents_(columns.documents ? &writer.file(part + ".documents") : nullptr) {}

void PartWriter::write(const RawPair& pair) {
  source_.write(pair.source);
  target_.write(pair.target);
  if (attribution_) attribution_->write(pair.attribution);
  ++pairs_;
  if (!documents_) return;
  if (pair.document != document_ || in_document_ == 0) {
    close();
    document_ = pair.document;
    ++document_count_;
  }
  ++in_document_;
}

void PartWriter::close() {
  if (documents_ && in_document_ > 0) documents_->write(fmt::format("{}\t{}", in_document_, document_));
  in_document_ = 0;
}

}  // namespace heed::models
