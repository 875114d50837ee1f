/* An encoder as hardware is: it works until it does not. x264 in a bin that fails, or swallows pictures, from the
 * moment when a file is there ("silent" in it: swallows). Tests and benchmarks build it when they run, as a plugin that
 * a worker loads like any other. */
#include <gst/gst.h>
#include <string.h>
#include <stdio.h>

#define PACKAGE "uplink"

typedef struct {
  GstBin parent;
  gchar *fails_when;
  GstElement *encoder;
} Faulty;
typedef struct {
  GstBinClass parent;
} FaultyClass;

GType faulty_get_type(void);
G_DEFINE_TYPE(Faulty, faulty, GST_TYPE_BIN)

enum { PROP_0, PROP_FAILS_WHEN, PROP_BITRATE };

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw, format=(string)I420"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-h264"));

static GstPadProbeReturn look(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
  Faulty *self = user;
  char word[16] = "";
  FILE *file = self->fails_when ? fopen(self->fails_when, "r") : NULL;
  (void)pad;
  (void)info;
  if (file == NULL) return GST_PAD_PROBE_OK;
  if (fgets(word, sizeof word, file) == NULL) word[0] = 0;
  fclose(file);
  if (strncmp(word, "silent", 6) != 0)
    GST_ELEMENT_ERROR(self, RESOURCE, FAILED, ("The GPU has fallen off the bus"), (NULL));
  return GST_PAD_PROBE_DROP;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
  Faulty *self = (Faulty *)object;
  (void)spec;
  if (id == PROP_FAILS_WHEN) {
    g_free(self->fails_when);
    self->fails_when = g_value_dup_string(value);
  } else if (id == PROP_BITRATE) {
    g_object_set(self->encoder, "bitrate", g_value_get_uint(value), NULL);
  }
}

static void finalize(GObject *object) {
  g_free(((Faulty *)object)->fails_when);
  G_OBJECT_CLASS(faulty_parent_class)->finalize(object);
}

static void faulty_class_init(FaultyClass *class) {
  GObjectClass *object = G_OBJECT_CLASS(class);
  GstElementClass *element = GST_ELEMENT_CLASS(class);
  object->set_property = set_property;
  object->finalize = finalize;
  g_object_class_install_property(object, PROP_FAILS_WHEN,
      g_param_spec_string("fails-when", "Fails when", "A file that makes it fail", NULL, G_PARAM_WRITABLE));
  g_object_class_install_property(object, PROP_BITRATE,
      g_param_spec_uint("bitrate", "Bit rate", "kbit/s", 1, 2048000, 300, G_PARAM_WRITABLE));
  gst_element_class_add_static_pad_template(element, &sink_template);
  gst_element_class_add_static_pad_template(element, &src_template);
  gst_element_class_set_static_metadata(element, "Faulty encoder", "Codec/Encoder/Video", "For tests", "Uplink");
}

static void ghost(Faulty *self, const char *name, GstElement *of) {
  GstPad *target = gst_element_get_static_pad(of, name);
  gst_element_add_pad(GST_ELEMENT(self), gst_ghost_pad_new(name, target));
  gst_object_unref(target);
}

static void faulty_init(Faulty *self) {
  GstElement *first = gst_element_factory_make("identity", NULL);
  GstElement *encoder = gst_element_factory_make("x264enc", NULL);
  GstPad *pad = gst_element_get_static_pad(encoder, "sink");
  self->encoder = encoder;
  gst_util_set_object_arg(G_OBJECT(encoder), "speed-preset", "ultrafast");
  gst_util_set_object_arg(G_OBJECT(encoder), "tune", "zerolatency");
  /* One more reference picture than software is set to: its initialisation differs, as that of real hardware does. */
  g_object_set(encoder, "key-int-max", 1000000, "bitrate", 300, "threads", 1, "option-string", "scenecut=0:ref=2", NULL);
  gst_bin_add_many(GST_BIN(self), first, encoder, NULL);
  gst_element_link(first, encoder);
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, look, self, NULL);
  gst_object_unref(pad);
  ghost(self, "sink", first);
  ghost(self, "src", encoder);
}

static gboolean plugin_init(GstPlugin *plugin) {
  return gst_element_register(plugin, "faultyh264enc", GST_RANK_NONE, faulty_get_type());
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, faulty, "An encoder that fails on air", plugin_init, "1.0",
    GST_LICENSE_UNKNOWN, PACKAGE, "https://uplink.invalid")
