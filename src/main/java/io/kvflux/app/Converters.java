package io.kvflux.app;

import io.kvflux.core.PreemptionMode;
import io.kvflux.core.QueuePolicy;
import io.kvflux.core.VictimRule;
import io.kvflux.geometry.DataSize;
import io.kvflux.sim.InputText;
import io.kvflux.sim.TraceFormat;
import io.kvflux.tier.HostPolicy;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How option values are read; each says in its message what it wants and what it got. */
final class Converters {

    private Converters() {}

    /** A whole number of at least 1, in 32 bits. */
    static final class Count implements ITypeConverter<Integer> {

        @Override
        public Integer convert(String text) {
            return (int) positive(text, Integer.MAX_VALUE);
        }
    }

    /** A number of blocks: one id less than there are, for the null block. */
    static final class Blocks implements ITypeConverter<Integer> {

        @Override
        public Integer convert(String text) {
            return (int) positive(text, Integer.MAX_VALUE - 1);
        }
    }

    /** Numbers of blocks with commas between them. */
    static final class ListOfBlocks implements ITypeConverter<BenchEvictionCommand.Sizes> {

        private final Blocks blocks = new Blocks();

        @Override
        public BenchEvictionCommand.Sizes convert(String text) {
            return new BenchEvictionCommand.Sizes(
                    Arrays.stream(text.split(",", -1)).map(blocks::convert).toList());
        }
    }

    /** Drafts of a sequence in a round. */
    static final class DraftTokens implements ITypeConverter<Integer> {

        static final int MOST = 256;

        @Override
        public Integer convert(String text) {
            return (int) positive(text, MOST);
        }
    }

    /** A whole number of at least 1, in 64 bits. */
    static final class LongCount implements ITypeConverter<Long> {

        @Override
        public Long convert(String text) {
            return positive(text, Long.MAX_VALUE);
        }
    }

    /** A port, or 0 for any that is free. */
    static final class Port implements ITypeConverter<Integer> {

        private static final int MAX = 65_535;

        @Override
        public Integer convert(String text) {
            try {
                int port = Integer.parseInt(text);
                if (port >= 0 && port <= MAX) {
                    return port;
                }
            } catch (NumberFormatException e) {
                // The message below says what is expected.
            }
            throw new TypeConversionException("expected a port from 0 to " + MAX + ", found '" + text + "'");
        }
    }

    private static long positive(String text, long max) {
        try {
            long value = Long.parseLong(text);
            if (value >= 1 && value <= max) {
                return value;
            }
        } catch (NumberFormatException e) {
            // The message below says what is expected.
        }
        String range = max == Long.MAX_VALUE ? "of at least 1" : "from 1 to " + max;
        throw new TypeConversionException("expected a whole number " + range + ", found '" + text + "'");
    }

    /** A decimal number. */
    static final class Decimal implements ITypeConverter<Double> {

        @Override
        public Double convert(String text) {
            try {
                return InputText.decimal(text);
            } catch (NumberFormatException e) {
                throw new TypeConversionException("expected a decimal number, found '" + text + "'");
            }
        }
    }

    /** A size such as 40GiB. */
    static final class Size implements ITypeConverter<DataSize> {

        @Override
        public DataSize convert(String text) {
            try {
                return DataSize.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /** A size a second such as 24GiB/s. */
    static final class Bandwidth implements ITypeConverter<DataSize> {

        private static final String PER_SECOND = "/s";

        @Override
        public DataSize convert(String text) {
            try {
                if (text.endsWith(PER_SECOND)) {
                    DataSize size = DataSize.parse(text.substring(0, text.length() - PER_SECOND.length()));
                    if (size.bytes() > 0) {
                        return size;
                    }
                }
            } catch (IllegalArgumentException notASize) {
                // The sentence below says what is wanted.
            }
            throw new TypeConversionException("expected a size a second such as 24GiB/s, found '" + text + "'");
        }
    }

    /** A time such as 90s, 10m or 1h30m. */
    static final class Time implements ITypeConverter<Duration> {

        private static final Pattern FORM = Pattern.compile("(?:(\\d{1,5})h)?(?:(\\d{1,6})m)?(?:(\\d{1,8})s)?");

        @Override
        public Duration convert(String text) {
            Matcher parts = FORM.matcher(text);
            Duration time = Duration.ZERO;
            if (parts.matches()) {
                time = Duration.ofHours(number(parts.group(1)))
                        .plusMinutes(number(parts.group(2)))
                        .plusSeconds(number(parts.group(3)));
            }
            if (time.isZero()) {
                throw new TypeConversionException("expected a time such as 90s, 10m or 1h30m, found '" + text + "'");
            }
            return time;
        }

        private static long number(@Nullable String digits) {
            return digits == null ? 0 : Long.parseLong(digits);
        }
    }

    static final class Format extends Choice<TraceFormat> {
        Format() {
            super(TraceFormat.class);
        }
    }

    static final class Policy extends Choice<QueuePolicy> {
        Policy() {
            super(QueuePolicy.class);
        }
    }

    static final class Victim extends Choice<VictimRule> {
        Victim() {
            super(VictimRule.class);
        }
    }

    static final class EngineName extends Choice<Engine> {
        EngineName() {
            super(Engine.class);
        }
    }

    static final class EvictionName extends Choice<Eviction> {
        EvictionName() {
            super(Eviction.class);
        }
    }

    static final class HostPolicyName extends Choice<HostPolicy> {
        HostPolicyName() {
            super(HostPolicy.class);
        }
    }

    static final class Preemption extends Choice<PreemptionMode> {
        Preemption() {
            super(PreemptionMode.class);
        }
    }

    /** One of an enum's names, in lower case. */
    private abstract static class Choice<E extends Enum<E>> implements ITypeConverter<E> {

        private final Class<E> type;

        Choice(Class<E> type) {
            this.type = type;
        }

        @Override
        public E convert(String text) {
            return Arrays.stream(type.getEnumConstants())
                    .filter(value -> name(value).equals(text))
                    .findFirst()
                    .orElseThrow(
                            () -> new TypeConversionException("expected one of " + names() + ", found '" + text + "'"));
        }

        private String names() {
            return Arrays.stream(type.getEnumConstants()).map(Converters::name).collect(Collectors.joining(", "));
        }
    }

    /** An enum's constant as the command line writes it. */
    static String name(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
