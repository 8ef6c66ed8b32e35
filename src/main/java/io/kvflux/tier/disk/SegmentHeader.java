package io.kvflux.tier.disk;

import io.kvflux.geometry.HashAlgorithm;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * The first 4096 bytes of a segment file, little endian: whose it is and what the rest means. Written once, before the
 * file gets its name.
 *
 * <pre>
 *      0        8         12         16        20        24               28
 *      | magic  | version | pageSize | hashing | segment | slotsPerSegment | zero |
 *     32        40                 48          56             88
 *      | payloadBytes | formLength | checksum  | fingerprint  | form, then zeros  | to 4096
 * </pre>
 *
 * The checksum is CRC-32C of all other bytes. The form is the layout as text, for the message when two differ; what is
 * compared is the fingerprint.
 */
final class SegmentHeader {

    /** What a file is that has the name of a segment. */
    sealed interface Verdict {}

    /** The segment that its name says, of this layout. */
    record Ours() implements Verdict {}

    /** One of a store's segments, whose header has not reached the disk or was damaged. */
    record Damaged() implements Verdict {}

    /** Anything else. */
    record Foreign() implements Verdict {}

    /** A segment that cannot be read here: of another layout or format version. */
    record Refused(String what, String found, String expected) implements Verdict {}

    static final int VERSION = 1;

    /** "KVFLUX" and two bytes that text does not have. */
    static final long MAGIC = 0x1A0A_58554C46564BL;

    private static final int MAGIC_AT = 0;
    private static final int VERSION_AT = 8;
    private static final int PAGE_SIZE_AT = 12;
    private static final int HASHING_AT = 16;
    private static final int SEGMENT_AT = 20;
    private static final int SLOTS_AT = 24;
    private static final int PAYLOAD_AT = 32;
    private static final int FORM_LENGTH_AT = 40;
    private static final int CHECKSUM_AT = 48;
    private static final int FINGERPRINT_AT = 56;
    private static final int FORM_AT = FINGERPRINT_AT + DiskLayout.FINGERPRINT_BYTES;

    private SegmentHeader() {}

    static byte[] encode(SegmentPlan plan, int segment) {
        byte[] bytes = new byte[SegmentPlan.HEADER_BYTES];
        ByteBuffer header = littleEndian(bytes);
        DiskLayout layout = plan.layout();
        byte[] form = layout.form().getBytes(StandardCharsets.UTF_8);
        int formLength = Math.min(form.length, header.capacity() - FORM_AT);
        header.putLong(MAGIC_AT, MAGIC);
        header.putInt(VERSION_AT, VERSION);
        header.putInt(PAGE_SIZE_AT, layout.pageSize());
        header.putInt(HASHING_AT, code(layout.hashAlgorithm()));
        header.putInt(SEGMENT_AT, segment);
        header.putInt(SLOTS_AT, plan.slotsPerSegment());
        header.putLong(PAYLOAD_AT, layout.payloadBytes());
        header.putLong(FORM_LENGTH_AT, formLength);
        header.put(FINGERPRINT_AT, layout.fingerprint());
        header.put(FORM_AT, form, 0, formLength);
        header.putLong(CHECKSUM_AT, checksum(header));
        return bytes;
    }

    /**
     * Judges a file by its beginning.
     *
     * @param bytes its first 4096 bytes, filled up with zeros if it is shorter
     */
    static Verdict judge(byte[] bytes, SegmentPlan plan, int segment) {
        if (Arrays.equals(bytes, encode(plan, segment))) {
            return new Ours();
        }
        ByteBuffer header = littleEndian(bytes);
        if (header.getLong(MAGIC_AT) != MAGIC) {
            // A file whose name reached the disk before its content did reads as zeros.
            return Arrays.equals(bytes, new byte[bytes.length]) ? new Damaged() : new Foreign();
        }
        int version = header.getInt(VERSION_AT);
        if (version != VERSION) {
            return new Refused("format version", Integer.toString(version), Integer.toString(VERSION));
        }
        if (header.getLong(CHECKSUM_AT) != checksum(header)) {
            return new Damaged();
        }
        String found = describe(header);
        String expected = describe(littleEndian(encode(plan, segment)));
        return found.equals(expected) ? new Foreign() : new Refused("layout", found, expected);
    }

    /** All that a store depends on; which segment it is does not count. */
    private static String describe(ByteBuffer header) {
        long length = header.getLong(FORM_LENGTH_AT);
        byte[] form = new byte[(int) Math.max(0, Math.min(length, header.capacity() - FORM_AT))];
        header.get(FORM_AT, form);
        byte[] fingerprint = new byte[DiskLayout.FINGERPRINT_BYTES];
        header.get(FINGERPRINT_AT, fingerprint);
        return "'" + new String(form, StandardCharsets.UTF_8) + "' pageSize=" + header.getInt(PAGE_SIZE_AT)
                + " hashing=" + header.getInt(HASHING_AT) + " payloadBytes=" + header.getLong(PAYLOAD_AT)
                + " slotsPerSegment=" + header.getInt(SLOTS_AT) + " fingerprint="
                + HexFormat.of().formatHex(fingerprint, 0, 8);
    }

    private static ByteBuffer littleEndian(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static int code(HashAlgorithm algorithm) {
        return switch (algorithm) {
            case SHA_256 -> 1;
            case SHA_256_64 -> 2;
        };
    }

    private static long checksum(ByteBuffer header) {
        CRC32C crc = new CRC32C();
        crc.update(header.duplicate().limit(CHECKSUM_AT));
        crc.update(header.duplicate().position(FINGERPRINT_AT));
        return crc.getValue();
    }
}
