// A Node-API addon around the encoder's kernels.
#include <fcntl.h>
#include <limits.h>
#include <node_api.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine.h"

namespace {

// A file of weights, mapped.
class Weights {
 public:
  explicit Weights(const char* path) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file >= 0 && fstat(file, &status) == 0 && status.st_size > 0) {
      bytes_ = status.st_size;
      place_ = mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, file, 0);
    }
    if (file >= 0) close(file);
    if (place_ == MAP_FAILED) throw std::runtime_error("its weights cannot be read");
  }
  ~Weights() { munmap(place_, bytes_); }
  Weights(const Weights&) = delete;
  const float* data() const { return static_cast<const float*>(place_); }
  size_t numbers() const { return bytes_ / sizeof(float); }
  // The system keeps them among its files' pages, for all processes.
  void GiveBackPages() const { madvise(place_, bytes_, MADV_DONTNEED); }

 private:
  void* place_ = MAP_FAILED;
  size_t bytes_ = 0;
};

bool Array(napi_env env, napi_value value, napi_typedarray_type wanted, size_t* length, void** data) {
  napi_typedarray_type type;
  return napi_get_typedarray_info(env, value, &type, length, data, nullptr, nullptr) == napi_ok &&
         type == wanted;
}

void Throw(napi_env env, const char* message) { napi_throw_error(env, nullptr, message); }

// An engine, and the file of its weights where it reads them in every run.
struct Opened {
  std::unique_ptr<const Weights> weights;
  std::unique_ptr<Engine> engine;
};

// (plan: Int32Array, weights: path or Float32Array, wide: boolean, packs: boolean, amx?: boolean, kept?: path): an
// engine with a copy of these weights; without `packs` it has none, and takes longer. Before `amx`, `permitAmx` must
// have answered true. `kept` is the copy's file, see `keep`.
napi_value Open(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  size_t count = 6, words = 0, numbers = 0, path_length = 0;
  void *plan = nullptr, *given = nullptr;
  char path[PATH_MAX], kept[PATH_MAX] = "";
  bool wide = false, packs = false, amx = false;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count < 4 ||
      !Array(env, arguments[0], napi_int32_array, &words, &plan) ||
      napi_get_value_bool(env, arguments[2], &wide) != napi_ok ||
      napi_get_value_bool(env, arguments[3], &packs) != napi_ok ||
      (count > 4 && napi_get_value_bool(env, arguments[4], &amx) != napi_ok) ||
      (count > 5 && napi_get_value_string_utf8(env, arguments[5], kept, sizeof kept, &path_length) != napi_ok)) {
    Throw(env, "open takes a plan, weights, whether to use AVX-512, to copy the weights and to use AMX, and a file");
    return nullptr;
  }
  try {
    auto opened = std::make_unique<Opened>();
    const int* begin = static_cast<const int*>(plan);
    if (Array(env, arguments[1], napi_float32_array, &numbers, &given)) {
      const float* weights = static_cast<const float*>(given);
      opened->engine = std::make_unique<Engine>(begin, words, weights, numbers, wide, true, amx, kept);
    } else if (napi_get_value_string_utf8(env, arguments[1], path, sizeof path, &path_length) == napi_ok) {
      auto weights = std::make_unique<const Weights>(path);
      opened->engine =
          std::make_unique<Engine>(begin, words, weights->data(), weights->numbers(), wide, packs, amx, kept);
      if (!packs) opened->weights = std::move(weights);
    }
    Require(opened->engine != nullptr);
    napi_value handle;
    auto release = [](napi_env, void* data, void*) { delete static_cast<Opened*>(data); };
    if (napi_create_external(env, opened.get(), release, nullptr, &handle) != napi_ok) return nullptr;
    opened.release();
    return handle;
  } catch (const std::exception& error) {
    Throw(env, error.what());
    return nullptr;
  }
}

// (engine, images: Float32Array, answers: Float32Array), both of as many images.
napi_value Run(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  size_t count = 3, inputs = 0, outputs = 0;
  void *handle = nullptr, *images = nullptr, *answers = nullptr;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count != 3 ||
      napi_get_value_external(env, arguments[0], &handle) != napi_ok ||
      !Array(env, arguments[1], napi_float32_array, &inputs, &images) ||
      !Array(env, arguments[2], napi_float32_array, &outputs, &answers)) {
    Throw(env, "run takes an engine, images and answers");
    return nullptr;
  }
  const Opened& opened = *static_cast<Opened*>(handle);
  Engine& engine = *opened.engine;
  const size_t faces = inputs / engine.inputs();
  if (inputs != faces * engine.inputs() || outputs != faces * engine.outputs()) {
    Throw(env, "images and answers are not of as many faces");
    return nullptr;
  }
  engine.Run(static_cast<const float*>(images), static_cast<int>(faces), static_cast<float*>(answers));
  if (opened.weights) {
    opened.weights->GiveBackPages();
    engine.filters().GiveBackPages();
  }
  return nullptr;
}

// The only argument, an engine. @returns null where it is none, which is thrown
Engine* EngineIn(napi_env env, napi_callback_info info, napi_value* argument, const char* otherwise) {
  size_t count = 1;
  void* handle = nullptr;
  if (napi_get_cb_info(env, info, &count, argument, nullptr, nullptr) != napi_ok || count != 1 ||
      napi_get_value_external(env, *argument, &handle) != napi_ok) {
    Throw(env, otherwise);
    return nullptr;
  }
  return static_cast<Opened*>(handle)->engine.get();
}

// What a thread needs to write an engine's file, the file's pages, and a reference that keeps the engine.
struct Keeping {
  Engine* engine;
  void* pages;
  napi_ref handle;
  napi_async_work work;
};

// (engine): writes its copy of the weights into its file on another thread, unless another engine did, and then uses
// the file's pages.
// @returns false where it uses them already, or has no file
napi_value Keep(napi_env env, napi_callback_info info) {
  napi_value argument, name, answer;
  Engine* engine = EngineIn(env, info, &argument, "keep takes an engine");
  if (engine == nullptr) return nullptr;
  const bool publishes = engine->isFilled() && engine->filters().CanPublish();
  if (publishes) {
    auto publish = [](napi_env, void* data) {
      auto keeping = static_cast<Keeping*>(data);
      keeping->pages = keeping->engine->filters().Publish();
    };
    auto finish = [](napi_env env, napi_status, void* data) {
      const std::unique_ptr<Keeping> keeping(static_cast<Keeping*>(data));
      if (keeping->pages != nullptr) keeping->engine->filters().Use(keeping->pages);
      napi_delete_reference(env, keeping->handle);
      napi_delete_async_work(env, keeping->work);
    };
    auto keeping = new Keeping{engine, nullptr, nullptr, nullptr};
    napi_create_string_utf8(env, "encoder", NAPI_AUTO_LENGTH, &name);
    napi_create_reference(env, argument, 1, &keeping->handle);
    napi_create_async_work(env, nullptr, name, publish, finish, keeping, &keeping->work);
    napi_queue_async_work(env, keeping->work);
  }
  return napi_get_boolean(env, publishes, &answer) == napi_ok ? answer : nullptr;
}

// (engine): the tiles of Winograd's that it computes convolutions with, one after the other, as 4x4; 1x1 is none.
napi_value Methods(napi_env env, napi_callback_info info) {
  napi_value argument, methods;
  const Engine* engine = EngineIn(env, info, &argument, "methods takes an engine");
  if (engine == nullptr) return nullptr;
  const std::string names = engine->Methods();
  napi_create_string_utf8(env, names.data(), names.size(), &methods);
  return methods;
}

// (): whether AMX's tiles can be used, for which the system must permit this process to do so.
napi_value PermitAmx(napi_env env, napi_callback_info) {
  napi_value permitted;
  napi_get_boolean(env, amx::kPresent && amx::Permit(), &permitted);
  return permitted;
}

napi_value Init(napi_env env, napi_value exports) {
  napi_value keep;
  napi_create_function(env, "keep", NAPI_AUTO_LENGTH, Keep, nullptr, &keep);
  napi_set_named_property(env, exports, "keep", keep);
  napi_value open, run, methods, permit_amx;
  napi_create_function(env, "open", NAPI_AUTO_LENGTH, Open, nullptr, &open);
  napi_set_named_property(env, exports, "open", open);
  napi_create_function(env, "run", NAPI_AUTO_LENGTH, Run, nullptr, &run);
  napi_set_named_property(env, exports, "run", run);
  napi_create_function(env, "methods", NAPI_AUTO_LENGTH, Methods, nullptr, &methods);
  napi_set_named_property(env, exports, "methods", methods);
  napi_create_function(env, "permitAmx", NAPI_AUTO_LENGTH, PermitAmx, nullptr, &permit_amx);
  napi_set_named_property(env, exports, "permitAmx", permit_amx);
  return exports;
}

}  // namespace

NAPI_MODULE(encoder, Init)
