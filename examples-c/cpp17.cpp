// cpp17: the library from C++17, with owners that free what they hold and a lambda for each record.
//
// Shows: std::unique_ptr for the handles, errors as exceptions, any callable as a delivery function. Exceptions never
// pass through the library: a callback must not throw, so the trampoline is noexcept.
//
// Build: c++ -std=c++17 -o cpp17 cpp17.cpp $(pkg-config --cflags --libs ottla)
// Run:   cpp17 localhost:9092 greetings
//
// Prints: a line for each of five records, and what the library says to a property that does not exist:
//
//     0 written to greetings 0 at 12
//     ...
//     5 of 5 written
//     INVALID_CONFIG: unknown property 'lingr.ms'; did you mean linger.ms?

#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <ottla.h>

namespace kafka {

class Error : public std::runtime_error {
public:
    explicit Error(const ottla_error *error)
        : std::runtime_error(std::string(ottla_error_name(error)) + ": " + ottla_error_message(error)),
          code_(ottla_error_code(error)) {}
    explicit Error(ottla_code code) : std::runtime_error(ottla_code_name(code)), code_(code) {}
    ottla_code code() const noexcept { return code_; }

private:
    ottla_code code_;
};

// Calls `function(arguments..., &error)` and throws its error.
template <typename Function, typename... Arguments> void call(Function function, Arguments... arguments) {
    ottla_error *error = nullptr;
    const ottla_code code = function(arguments..., &error);
    const std::unique_ptr<ottla_error, decltype(&ottla_error_free)> owner(error, ottla_error_free);
    if (code != OTTLA_ERR_OK) {
        throw owner ? Error(owner.get()) : Error(code);
    }
}

class Config {
public:
    Config() : config_(ottla_config_new(), ottla_config_free) {
        if (!config_) {
            throw Error(OTTLA_ERR_INTERNAL);
        }
    }
    Config &set(const std::string &name, const std::string &value) {
        call(ottla_config_set, config_.get(), name.c_str(), value.c_str());
        return *this;
    }
    const ottla_config *get() const noexcept { return config_.get(); }

private:
    std::unique_ptr<ottla_config, decltype(&ottla_config_free)> config_;
};

using Delivered = std::function<void(const ottla_delivery &)>;

class Producer {
public:
    explicit Producer(const Config &config) {
        ottla_producer *producer = nullptr;
        call(ottla_producer_new, config.get(), &producer);
        producer_.reset(producer);
    }
    class Topic {
    public:
        const ottla_topic *get() const noexcept { return topic_.get(); }

    private:
        friend Producer;
        explicit Topic(ottla_topic *topic) : topic_(topic, ottla_topic_free) {}
        std::unique_ptr<ottla_topic, decltype(&ottla_topic_free)> topic_;
    };
    Topic topic(const std::string &name) const {
        ottla_topic *topic = nullptr;
        call(ottla_producer_topic, producer_.get(), name.c_str(), &topic);
        return Topic(topic);
    }
    // `delivered` is called exactly once on the library's thread, unless this throws.
    void send(const Topic &topic, std::string_view key, std::string_view value, Delivered delivered) const {
        ottla_record record;
        ottla_record_init(&record, sizeof record);
        record.key = key.data();
        record.key_len = key.size();
        record.value = value.data();
        record.value_len = value.size();
        auto owner = std::make_unique<Delivered>(std::move(delivered));
        ottla_send_options options{};
        options.struct_size = sizeof options;
        options.on_delivery = &Producer::trampoline;
        call(ottla_producer_send, static_cast<const ottla_producer *>(producer_.get()), topic.get(),
             static_cast<const ottla_record *>(&record), static_cast<void *>(owner.get()),
             static_cast<const ottla_send_options *>(&options));
        owner.release(); // accepted: the trampoline owns it, and may have run already
    }
    void flush() const { call(ottla_producer_flush, producer_.get(), std::int64_t{-1}, std::uint32_t{0}); }

private:
    struct Free {
        void operator()(ottla_producer *producer) const noexcept {
            const ottla_code code = ottla_producer_free(producer);
            if (code != OTTLA_ERR_OK) { // only a callback that destroys its own producer gets here
                std::fprintf(stderr, "cpp17: free: %s\n", ottla_code_name(code));
                std::terminate();
            }
        }
    };
    static void trampoline(const ottla_delivery *delivery, void *userdata) noexcept {
        const std::unique_ptr<Delivered> owner(static_cast<Delivered *>(userdata));
        (*owner)(*delivery);
    }
    std::unique_ptr<ottla_producer, Free> producer_;
};

} // namespace kafka

int main(int argc, char **argv) try {
    if (argc != 3) {
        std::fputs("usage: cpp17 BROKERS TOPIC\n", stderr);
        return 2;
    }
    kafka::Config config;
    config.set("bootstrap.servers", argv[1]).set("linger.ms", "0");
    int written = 0; // changed on the library's thread, read after flush() has waited for it
    {
        const kafka::Producer producer(config);
        const auto topic = producer.topic(argv[2]);
        for (int i = 0; i < 5; i++) {
            producer.send(topic, "key", "value " + std::to_string(i), [i, &written](const ottla_delivery &delivery) {
                if (delivery.code != OTTLA_ERR_OK) {
                    std::printf("%d failed: %s\n", i, ottla_error_message(delivery.error));
                    return;
                }
                std::printf("%d written to %s %d at %lld\n", i, delivery.topic, static_cast<int>(delivery.partition),
                            static_cast<long long>(delivery.offset));
                written++;
            });
        }
        producer.flush();
    }
    std::printf("%d of 5 written\n", written);
    try {
        config.set("lingr.ms", "0");
    } catch (const kafka::Error &error) {
        std::puts(error.what());
    }
    return written == 5 ? 0 : 1;
} catch (const std::exception &error) {
    std::fprintf(stderr, "cpp17: %s\n", error.what());
    return 1;
}
