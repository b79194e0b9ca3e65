//! Every colour, spacing and font. A reading room: black where films are, near-black around them,
//! so that the eye stays adapted; colour only where it says something.

use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Shadow,
    Stroke, Style, TextStyle, Visuals, vec2,
};
use precedent_core::lexicon::Pathology;

/// Behind every film, and around it.
pub const FILM_GROUND: Color32 = Color32::BLACK;
pub const GROUND: Color32 = Color32::from_rgb(0x0b, 0x0d, 0x10);
pub const PANEL: Color32 = Color32::from_rgb(0x12, 0x15, 0x19);
pub const RAISED: Color32 = Color32::from_rgb(0x1a, 0x1e, 0x24);
pub const HOVERED: Color32 = Color32::from_rgb(0x25, 0x2b, 0x33);
pub const LINE: Color32 = Color32::from_rgb(0x26, 0x2c, 0x34);
pub const TEXT: Color32 = Color32::from_rgb(0xd9, 0xde, 0xe4);
pub const TEXT_SECOND: Color32 = Color32::from_rgb(0x9a, 0xa5, 0xb1);
pub const TEXT_FAINT: Color32 = Color32::from_rgb(0x7c, 0x87, 0x94);
/// What the doctor drew, and what is chosen.
pub const ACCENT: Color32 = Color32::from_rgb(0x5c, 0xc8, 0xd7);
pub const ACCENT_DEEP: Color32 = Color32::from_rgb(0x17, 0x45, 0x4f);
/// The contour while the hand still moves.
pub const LIVE: Color32 = Color32::from_rgb(0xa5, 0xee, 0xf6);
pub const CAUTION: Color32 = Color32::from_rgb(0xe6, 0xb9, 0x5f);
pub const CAUTION_GROUND: Color32 = Color32::from_rgb(0x33, 0x2a, 0x16);
pub const ERROR: Color32 = Color32::from_rgb(0xf0, 0x8a, 0x82);
/// Under a line or a word drawn on a film, so that it reads on white and on black.
pub const UNDERLAY: Color32 = Color32::from_black_alpha(150);

/// The colour that says an outcome; the word always stands with it.
pub const fn pathology(pathology: Pathology) -> Color32 {
    match pathology {
        Pathology::Malignant => Color32::from_rgb(0xf2, 0x7f, 0x7a),
        Pathology::Benign => Color32::from_rgb(0x7b, 0xcf, 0x8f),
        Pathology::Normal => Color32::from_rgb(0x8a, 0xb4, 0xf0),
    }
}

/// The same, dark, behind the word.
pub const fn pathology_ground(pathology: Pathology) -> Color32 {
    match pathology {
        Pathology::Malignant => Color32::from_rgb(0x45, 0x1c, 0x1d),
        Pathology::Benign => Color32::from_rgb(0x17, 0x38, 0x22),
        Pathology::Normal => Color32::from_rgb(0x1a, 0x2b, 0x47),
    }
}

pub const SMALL: f32 = 11.5;
pub const BODY: f32 = 13.0;
pub const GAP: f32 = 8.0;
pub const CORNER: u8 = 6;

/// Letters that carry weight: headings, the view, the outcome.
pub fn strong_family() -> FontFamily {
    FontFamily::Name("strong".into())
}

pub fn strong(size: f32) -> FontId {
    FontId::new(size, strong_family())
}

pub fn plain(size: f32) -> FontId {
    FontId::proportional(size)
}

/// Sets fonts and style; once, before the first frame.
pub fn apply(ctx: &Context) {
    ctx.set_theme(egui::Theme::Dark);
    ctx.set_fonts(fonts());
    ctx.all_styles_mut(style);
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let inter: [(&str, &[u8]); 2] = [
        ("inter", include_bytes!("../../assets/fonts/Inter-Regular.otf")),
        ("inter-semibold", include_bytes!("../../assets/fonts/Inter-SemiBold.otf")),
    ];
    for (name, bytes) in inter {
        fonts.font_data.insert(name.to_owned(), FontData::from_static(bytes).into());
    }
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    for (family, first) in
        [(FontFamily::Proportional, "inter"), (strong_family(), "inter-semibold")]
    {
        let names = std::iter::once(first.to_owned()).chain(fallback.iter().cloned()).collect();
        fonts.families.insert(family, names);
    }
    fonts
}

fn style(style: &mut Style) {
    style.text_styles = [
        (TextStyle::Heading, strong(19.0)),
        (TextStyle::Body, plain(BODY)),
        (TextStyle::Button, plain(BODY)),
        (TextStyle::Small, plain(SMALL)),
        (TextStyle::Monospace, FontId::monospace(12.0)),
    ]
    .into();
    style.visuals = visuals();
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(GAP, 6.0);
    spacing.button_padding = vec2(10.0, 4.0);
    spacing.menu_margin = Margin::same(6);
    spacing.window_margin = Margin::same(16);
    spacing.interact_size.y = 24.0;
    spacing.tooltip_width = 340.0;
    spacing.scroll.bar_width = 7.0;
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.35;
    style.animation_time = 0.08;
}

fn visuals() -> Visuals {
    let mut visuals = Visuals::dark();
    visuals.panel_fill = PANEL;
    visuals.window_fill = RAISED;
    visuals.window_stroke = Stroke::new(1.0, LINE);
    visuals.window_corner_radius = CornerRadius::same(CORNER + 4);
    visuals.menu_corner_radius = CornerRadius::same(CORNER);
    visuals.window_shadow = Shadow { offset: [0, 8], blur: 32, spread: 0, color: UNDERLAY };
    visuals.popup_shadow = Shadow { offset: [0, 4], blur: 16, spread: 0, color: UNDERLAY };
    visuals.faint_bg_color = RAISED;
    visuals.extreme_bg_color = GROUND;
    visuals.weak_text_color = Some(TEXT_SECOND);
    visuals.hyperlink_color = ACCENT;
    visuals.warn_fg_color = CAUTION;
    visuals.error_fg_color = ERROR;
    visuals.selection.bg_fill = ACCENT_DEEP;
    visuals.selection.stroke = Stroke::new(1.0, LIVE);
    visuals.disabled_alpha = 0.45;
    let widgets = &mut visuals.widgets;
    let states = [
        (&mut widgets.noninteractive, PANEL, LINE, TEXT),
        (&mut widgets.inactive, RAISED, LINE, TEXT),
        (&mut widgets.hovered, HOVERED, TEXT_FAINT, Color32::WHITE),
        (&mut widgets.active, ACCENT_DEEP, ACCENT, Color32::WHITE),
        (&mut widgets.open, HOVERED, TEXT_FAINT, Color32::WHITE),
    ];
    for (widget, fill, line, text) in states {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, line);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = CornerRadius::same(CORNER);
        widget.expansion = 0.0;
    }
    visuals
}
