// What the Java servers make of each row of kv-files.tsv: fastjson2 as RocketMQ 5.x uses it, fastjson 1.x as 4.x does.
// java -cp 'tests/interop/target/lib/5.5.0/*' tests/field/KvFiles.java tests/field/kv-files.tsv
// prints the table with both columns filled in.

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.namesrv.kvconfig.KVConfigSerializeWrapper;

public class KvFiles {
    /** The wrapper of 4.x, whose base class calls fastjson 1.x. */
    public static class Wrapper {
        private HashMap<String, HashMap<String, String>> configTable;

        public HashMap<String, HashMap<String, String>> getConfigTable() {
            return configTable;
        }

        public void setConfigTable(HashMap<String, HashMap<String, String>> configTable) {
            this.configTable = configTable;
        }
    }

    interface Loader {
        Map<?, ?> load(String contents);
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Path file = Files.createTempFile("kvConfig", ".json");
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            String[] columns = line.split("\t", -1);
            if (line.startsWith("#")) {
                output.println(line);
                continue;
            }
            Files.write(file, unescape(columns[1]));
            String contents = MixAll.file2String(file.toString());
            columns[2] = outcome(contents, text -> {
                KVConfigSerializeWrapper wrapper = KVConfigSerializeWrapper.fromJson(text, KVConfigSerializeWrapper.class);
                return wrapper == null ? Map.of() : wrapper.getConfigTable();
            });
            columns[3] = outcome(contents, text -> {
                Wrapper wrapper = com.alibaba.fastjson.JSON.parseObject(text, Wrapper.class);
                return wrapper == null ? Map.of() : wrapper.getConfigTable();
            });
            output.println(String.join("\t", columns));
        }
        Files.delete(file);
    }

    /** The table as it would be saved, sorted; KVConfigManager.load fails where there is none. */
    static String outcome(String contents, Loader loader) {
        try {
            Map<?, ?> table = contents == null ? Map.of() : loader.load(contents);
            Map<String, Map<String, String>> sorted = new TreeMap<>();
            for (Map.Entry<?, ?> namespace : table.entrySet()) {
                if (namespace.getValue() != null) {
                    Map<String, String> keys = new TreeMap<>();
                    ((Map<?, ?>) namespace.getValue()).forEach((key, value) -> {
                        if (value != null) {
                            keys.put(String.valueOf(key), String.valueOf(value));
                        }
                    });
                    sorted.put(String.valueOf(namespace.getKey()), keys);
                }
            }
            return escape(com.alibaba.fastjson2.JSON.toJSONString(sorted).getBytes(StandardCharsets.UTF_8));
        } catch (Throwable failure) {
            return "refused";
        }
    }

    static byte[] unescape(String text) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int at = 0; at < text.length(); at++) {
            if (text.charAt(at) != '\\') {
                bytes.write(text.charAt(at));
            } else if (text.charAt(at + 1) == '\\') {
                bytes.write('\\');
                at++;
            } else {
                bytes.write(Integer.parseInt(text.substring(at + 2, at + 4), 16));
                at += 3;
            }
        }
        return bytes.toByteArray();
    }

    static String escape(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte value : bytes) {
            if (value == '\\') {
                text.append("\\\\");
            } else if (value >= ' ' && value <= '~') {
                text.append((char) value);
            } else {
                text.append(String.format("\\x%02x", value));
            }
        }
        return text.toString();
    }
}
