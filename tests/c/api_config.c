/* Configurations: set, get, load, list, log lines. */
#include "check.h"

struct lines {
    int count, freed;
    char last[512];
};

static void keep(int32_t level, const char *message, void *userdata) {
    struct lines *lines = userdata;
    CHECK(level >= OTTLA_LOG_ERROR && level <= OTTLA_LOG_DEBUG);
    lines->count++;
    snprintf(lines->last, sizeof lines->last, "%s", message);
}

static void freed(void *userdata) {
    ((struct lines *)userdata)->freed++;
}

int main(void) {
    ottla_error *error = NULL;
    char buffer[64];
    size_t len = 0;
    ottla_config *config = ottla_config_new();

    CHECK_OK(ottla_config_set(config, "linger.ms", " 020 ", &error));
    CHECK_OK(ottla_config_get(config, "linger.ms", buffer, sizeof buffer, &len, &error));
    CHECK(strcmp(buffer, "20") == 0 && len == 3);
    CHECK_OK(ottla_config_get(config, "linger.ms", NULL, 0, &len, &error));
    CHECK(len == 3);
    buffer[2] = 'x';
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_get(config, "linger.ms", buffer, 2, &len, NULL));
    CHECK(len == 3 && buffer[2] == 'x');
    CHECK_OK(ottla_config_get(config, "linger.ms", buffer, 3, &len, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_CONFIG, ottla_config_get(config, "bootstrap.servers", NULL, 0, &len, NULL));
    CHECK_CODE(OTTLA_ERR_INVALID_CONFIG, ottla_config_get(config, "no.such", NULL, 0, &len, NULL));

    CHECK_CODE(OTTLA_ERR_INVALID_CONFIG, ottla_config_set(config, "deliver.timeout.ms", "1", &error));
    CHECK(strstr(ottla_error_message(error), "did you mean delivery.timeout.ms") != NULL);
    CHECK(strcmp(ottla_error_name(error), "INVALID_CONFIG") == 0);
    CHECK(!ottla_error_is_retriable(error) && !ottla_error_is_fatal(error));
    ottla_error_free(error);
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set(config, "client.id", "\xc3", NULL));

    /* A copy is independent. */
    ottla_config *copy = ottla_config_copy(config);
    CHECK_OK(ottla_config_set(copy, "linger.ms", "7", NULL));
    CHECK_OK(ottla_config_get(config, "linger.ms", buffer, sizeof buffer, &len, NULL));
    CHECK(strcmp(buffer, "20") == 0);
    ottla_config_free(copy);

    /* In a text, unknown properties are warnings. A wrong value is an error, and nothing is set. */
    struct lines lines = {0, 0, ""};
    CHECK_CODE(OTTLA_ERR_INVALID_ARGUMENT, ottla_config_set_log(config, keep, &lines, freed, 9));
    CHECK(lines.freed == 0);
    CHECK_OK(ottla_config_set_log(config, keep, &lines, freed, OTTLA_LOG_DEBUG));
    CHECK_OK(ottla_config_load_text(config, "acks = 1\napp.name = shop\nclient.id=a\\u00e4\\\n  b\n", NULL));
    CHECK(lines.count == 1 && strstr(lines.last, "app.name") != NULL);
    CHECK_OK(ottla_config_get(config, "client.id", buffer, sizeof buffer, &len, NULL));
    CHECK(strcmp(buffer, "a\xc3\xa4" "b") == 0 && len == 5);
    CHECK_CODE(OTTLA_ERR_INVALID_CONFIG, ottla_config_load_text(config, "acks=0\nlinger.ms=x\n", NULL));
    CHECK_OK(ottla_config_get(config, "acks", buffer, sizeof buffer, &len, NULL));
    CHECK(strcmp(buffer, "1") == 0);
    CHECK_OK(ottla_config_load_file(config, "/dev/null", NULL));
    ottla_code missing = ottla_config_load_file(config, "/no/such/file.properties", &error);
    CHECK(missing != OTTLA_ERR_OK && strstr(ottla_error_message(error), "/no/such/file.properties") != NULL);
    ottla_error_free(error);

    /* The log function's userdata is kept as long as a copy needs it. */
    copy = ottla_config_copy(config);
    ottla_config_free(config);
    CHECK(lines.freed == 0);
    ottla_producer *producer = NULL;
    CHECK_CODE(OTTLA_ERR_INVALID_CONFIG, ottla_producer_new(copy, &producer, NULL));
    CHECK(producer == NULL);
    CHECK_OK(ottla_config_set(copy, "bootstrap.servers", "127.0.0.1:1", NULL));
    CHECK_OK(ottla_producer_new(copy, &producer, NULL));
    ottla_config_free(copy);
    CHECK(lines.freed == 0);
    CHECK_OK(ottla_producer_free(producer));
    CHECK(lines.freed == 1);

    /* The table of properties. */
    size_t count = ottla_property_count();
    int found = 0;
    CHECK(count > 90 && ottla_property_at(count) == NULL && ottla_property_at((size_t)-1) == NULL);
    for (size_t i = 0; i < count; i++) {
        const ottla_property *property = ottla_property_at(i);
        CHECK(property->struct_size == sizeof *property && property == ottla_property_at(i));
        CHECK(strlen(property->name) > 0 && strlen(property->type) > 0 && strlen(property->documentation) > 0);
        CHECK(strlen(property->valid_values) > 0 && strlen(property->source) > 0);
        CHECK(property->importance >= OTTLA_IMPORTANCE_HIGH && property->importance <= OTTLA_IMPORTANCE_LOW);
        CHECK(property->scope == OTTLA_SCOPE_PRODUCER || property->scope == OTTLA_SCOPE_TOPIC);
        CHECK((property->state == OTTLA_PROPERTY_IMPLEMENTED) == (property->remark == NULL));
        if (strcmp(property->name, "linger.ms") == 0) {
            CHECK(strcmp(property->type, "long") == 0 && strcmp(property->default_value, "5") == 0);
            found = 1;
        }
    }
    CHECK(found);

    CHECK(strcmp(ottla_version(), "0.1.0") == 0);
    CHECK(ottla_version_number() ==
          (OTTLA_VERSION_MAJOR << 24 | OTTLA_VERSION_MINOR << 16 | OTTLA_VERSION_PATCH << 8));
    CHECK(strcmp(ottla_code_name(OTTLA_ERR_NOT_LEADER_OR_FOLLOWER), "NOT_LEADER_OR_FOLLOWER") == 0);
    CHECK(strcmp(ottla_code_name(0), "OK") == 0);
    CHECK(ottla_code_is_retriable(OTTLA_ERR_NOT_LEADER_OR_FOLLOWER) && ottla_code_is_fatal(OTTLA_ERR_PRODUCER_FENCED));
    return 0;
}
