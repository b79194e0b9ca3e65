//! Pictures on the GPU: 16-bit samples in tiles, a display table beside them, one shader.
//!
//! Samples are uploaded once; a change of window re-makes the table of 65,536 bytes and nothing
//! else. Pictures that were not drawn for a while are dropped.

use std::collections::HashMap;
use std::sync::Arc;

use egui::Rect;
use egui_wgpu::{CallbackResources, CallbackTrait, RenderState, ScreenDescriptor, wgpu};
use precedent_core::mammogram::Mammogram;
use precedent_core::voi_lut::VoiLut;

use crate::pyramid::{Level, Pyramid};
use crate::viewport::View;

/// Bytes between two draws' uniforms: wgpu's default alignment of dynamic offsets.
const SLOT: u64 = 256;
/// Tiles drawn in one frame, over all pictures.
const SLOTS: u64 = 1024;
/// Frames after which a picture that nobody drew is dropped.
const KEPT_FRAMES: u64 = 120;

/// What is drawn: a decoded picture, its halved copies, and how to look at it.
#[derive(Debug, Clone)]
pub struct Painting {
    pub mammogram: Arc<Mammogram>,
    pub pyramid: Arc<Pyramid>,
    pub voi_lut: VoiLut,
    pub is_inverted: bool,
}

/// Prepares the shader; without it nothing of a film is seen.
pub fn install(render_state: &RenderState) {
    let textures = Textures::new(render_state);
    render_state.renderer.write().callback_resources.insert(textures);
}

/// Draws a picture as `view` places it, cut off at `clip_in_ui`.
pub fn paint(ui: &egui::Ui, clip_in_ui: Rect, view: View, painting: Painting) {
    let clip = clip_in_ui.intersect(ui.clip_rect());
    if !clip.is_positive() {
        return;
    }
    let frame = ui.ctx().cumulative_frame_nr();
    let draw = FilmDraw { painting, view, frame, pixels_per_point: ui.pixels_per_point() };
    ui.painter()
        .with_clip_rect(clip)
        .add(egui_wgpu::Callback::new_paint_callback(view.rect_in_ui, draw));
}

struct FilmDraw {
    painting: Painting,
    view: View,
    frame: u64,
    pixels_per_point: f32,
}

impl FilmDraw {
    /// Key of the placed tiles: two views of one film may stand in one frame.
    fn key(&self) -> DrawKey {
        let rect = self.view.rect_in_ui;
        let corners = [rect.min.x, rect.min.y, rect.max.x, rect.max.y].map(f32::to_bits);
        (self.painting.mammogram.frame_hash(), corners)
    }
}

impl CallbackTrait for FilmDraw {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        _screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(textures) = resources.get_mut::<Textures>() {
            textures.begin_frame(self.frame);
            textures.place(device, queue, self);
        }
        Vec::new()
    }

    fn paint(
        &self,
        _info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        let Some(textures) = resources.get::<Textures>() else { return };
        let Some(tiles) = textures.placed.get(&self.key()) else { return };
        pass.set_pipeline(&textures.pipeline);
        for (slot, bind_group) in tiles {
            pass.set_bind_group(0, &textures.uniform_bind_group, &[(slot * SLOT) as u32]);
            pass.set_bind_group(1, bind_group, &[]);
            pass.draw(0..4, 0..1);
        }
    }
}

type DrawKey = ([u8; 32], [u32; 4]);

struct Textures {
    pipeline: wgpu::RenderPipeline,
    picture_layout: wgpu::BindGroupLayout,
    uniforms: wgpu::Buffer,
    uniform_bind_group: wgpu::BindGroup,
    target_is_srgb: bool,
    tile_limit: u32,
    pictures: HashMap<[u8; 32], Picture>,
    placed: HashMap<DrawKey, Vec<(u64, wgpu::BindGroup)>>,
    frame: u64,
    next_slot: u64,
}

/// One picture's textures; levels are uploaded when first drawn.
struct Picture {
    table: wgpu::Texture,
    shown: Option<(VoiLut, bool)>,
    levels: Vec<Option<Vec<Tile>>>,
    last_frame: u64,
}

struct Tile {
    /// First column and row of the tile's own area, and its size, in pixels of its level.
    area: [u32; 4],
    /// Where its own area begins inside the texture: 1 where there is an apron, else 0.
    inset: [u32; 2],
    bind_group: wgpu::BindGroup,
}

impl Textures {
    fn new(render_state: &RenderState) -> Self {
        let device = &render_state.device;
        let shader = device.create_shader_module(wgpu::include_wgsl!("film.wgsl"));
        let uniform_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("film draw"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: true,
                    min_binding_size: None,
                },
                count: None,
            }],
        });
        let texture_entry = |binding, sample_type| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty: wgpu::BindingType::Texture {
                sample_type,
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            },
            count: None,
        };
        let picture_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("film"),
            entries: &[
                texture_entry(0, wgpu::TextureSampleType::Uint),
                texture_entry(1, wgpu::TextureSampleType::Float { filterable: false }),
            ],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("film"),
            bind_group_layouts: &[Some(&uniform_layout), Some(&picture_layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("film"),
            layout: Some(&layout),
            vertex: wgpu::VertexState {
                module: &shader,
                entry_point: Some("vs_main"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState {
                topology: wgpu::PrimitiveTopology::TriangleStrip,
                ..wgpu::PrimitiveState::default()
            },
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &shader,
                entry_point: Some("fs_main"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                targets: &[Some(render_state.target_format.into())],
            }),
            multiview_mask: None,
            cache: None,
        });
        let uniforms = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("film draws"),
            size: SLOT * SLOTS,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let uniform_bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("film draws"),
            layout: &uniform_layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &uniforms,
                    offset: 0,
                    size: std::num::NonZeroU64::new(size_of::<Uniform>() as u64),
                }),
            }],
        });
        Self {
            pipeline,
            picture_layout,
            uniforms,
            uniform_bind_group,
            target_is_srgb: render_state.target_format.is_srgb(),
            tile_limit: device.limits().max_texture_dimension_2d,
            pictures: HashMap::new(),
            placed: HashMap::new(),
            frame: 0,
            next_slot: 0,
        }
    }

    fn begin_frame(&mut self, frame: u64) {
        if self.frame == frame {
            return;
        }
        self.frame = frame;
        self.next_slot = 0;
        self.placed.clear();
        self.pictures.retain(|_, picture| frame.saturating_sub(picture.last_frame) < KEPT_FRAMES);
    }

    /// Uploads what is missing and writes where each visible tile goes.
    fn place(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, draw: &FilmDraw) {
        let Painting { mammogram, pyramid, voi_lut, is_inverted } = &draw.painting;
        let picture = self
            .pictures
            .entry(mammogram.frame_hash())
            .or_insert_with(|| Picture::new(device, pyramid.levels.len()));
        picture.last_frame = self.frame;
        picture.show(queue, mammogram, voi_lut, *is_inverted);

        let pixels_per_column = draw.view.zoom * f64::from(draw.pixels_per_point);
        let level_idx = pyramid.level_for(pixels_per_column);
        let level = &pyramid.levels[level_idx];
        let table = &picture.table;
        let tiles = picture.levels[level_idx].get_or_insert_with(|| {
            upload(device, queue, &self.picture_layout, level, table, self.tile_limit)
        });

        let whole = draw.view.picture_in_ui(mammogram.columns, mammogram.rows);
        let mut placed = Vec::new();
        for tile in tiles {
            let [x, y, columns, rows] = tile.area.map(|v| v as f32);
            let (across, down) = (level.columns as f32, level.rows as f32);
            // From the picture's first column and row on, wherever the pose puts them.
            let at = |is_turned: bool, near: f32, far: f32, share: f32| {
                if is_turned { far - (far - near) * share } else { near + (far - near) * share }
            };
            let pose = draw.view.pose;
            let at_column = |c: f32| at(pose.is_mirrored, whole.left(), whole.right(), c / across);
            let at_row = |r: f32| at(pose.is_upside_down, whole.top(), whole.bottom(), r / down);
            let (left, right) = (at_column(x), at_column(x + columns));
            let (top, bottom) = (at_row(y), at_row(y + rows));
            let rect = draw.view.rect_in_ui;
            let is_seen = Rect::from_two_pos(egui::pos2(left, top), egui::pos2(right, bottom))
                .intersects(rect);
            if !is_seen || self.next_slot == SLOTS {
                continue;
            }
            let ndc_x = |x: f32| (x - rect.left()) / rect.width() * 2.0 - 1.0;
            let ndc_y = |y: f32| 1.0 - (y - rect.top()) / rect.height() * 2.0;
            let [inset_x, inset_y] = tile.inset.map(|v| v as f32);
            let uniform = Uniform {
                ndc: [ndc_x(left), ndc_y(top), ndc_x(right), ndc_y(bottom)],
                texel: [inset_x, inset_y, inset_x + columns, inset_y + rows],
                flags: [u32::from(self.target_is_srgb), 0, 0, 0],
            };
            queue.write_buffer(&self.uniforms, self.next_slot * SLOT, bytemuck::bytes_of(&uniform));
            placed.push((self.next_slot, tile.bind_group.clone()));
            self.next_slot += 1;
        }
        self.placed.insert(draw.key(), placed);
    }
}

#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Uniform {
    ndc: [f32; 4],
    texel: [f32; 4],
    flags: [u32; 4],
}

impl Picture {
    fn new(device: &wgpu::Device, num_levels: usize) -> Self {
        let table = texture(device, "display table", 256, 256, wgpu::TextureFormat::R8Unorm);
        Self { table, shown: None, levels: (0..num_levels).map(|_| None).collect(), last_frame: 0 }
    }

    /// Writes the display table where it is not the one already there.
    fn show(&mut self, queue: &wgpu::Queue, film: &Mammogram, voi_lut: &VoiLut, invert: bool) {
        if self.shown.as_ref().is_some_and(|(lut, inv)| lut == voi_lut && *inv == invert) {
            return;
        }
        write(queue, &self.table, 256, 256, &voi_lut.display_table(film, invert), 1);
        self.shown = Some((voi_lut.clone(), invert));
    }
}

/// Cuts a level into textures within the device's limit, each with an apron of one pixel towards
/// its neighbours so that interpolation has no seam.
fn upload(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    layout: &wgpu::BindGroupLayout,
    level: &Level,
    table: &wgpu::Texture,
    tile_limit: u32,
) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for (y, rows) in spans(level.rows, tile_limit) {
        for (x, columns) in spans(level.columns, tile_limit) {
            let inset = [u32::from(x > 0), u32::from(y > 0)];
            let (x0, y0) = (x - inset[0], y - inset[1]);
            let x1 = (x + columns + 1).min(level.columns);
            let y1 = (y + rows + 1).min(level.rows);
            let (w, h) = (x1 - x0, y1 - y0);
            let samples = texture(device, "film", w, h, wgpu::TextureFormat::R16Uint);
            if w == level.columns {
                let from = (y0 * level.columns) as usize;
                let part = &level.samples[from..from + (w * h) as usize];
                write(queue, &samples, w, h, bytemuck::cast_slice(part), 2);
            } else {
                let part: Vec<u16> = (y0..y1)
                    .flat_map(|row| {
                        let from = (row * level.columns + x0) as usize;
                        level.samples[from..from + w as usize].iter().copied()
                    })
                    .collect();
                write(queue, &samples, w, h, bytemuck::cast_slice(&part), 2);
            }
            let view = |t: &wgpu::Texture| t.create_view(&wgpu::TextureViewDescriptor::default());
            let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("film tile"),
                layout,
                entries: &[
                    wgpu::BindGroupEntry {
                        binding: 0,
                        resource: wgpu::BindingResource::TextureView(&view(&samples)),
                    },
                    wgpu::BindGroupEntry {
                        binding: 1,
                        resource: wgpu::BindingResource::TextureView(&view(table)),
                    },
                ],
            });
            tiles.push(Tile { area: [x, y, columns, rows], inset, bind_group });
        }
    }
    tiles
}

/// Cuts a length into spans that, apron included, stay within `limit`.
fn spans(length: u32, limit: u32) -> Vec<(u32, u32)> {
    if length <= limit {
        return vec![(0, length)];
    }
    let own = limit - 2;
    (0..length.div_ceil(own)).map(|i| (i * own, own.min(length - i * own))).collect()
}

fn texture(
    device: &wgpu::Device,
    label: &str,
    width: u32,
    height: u32,
    format: wgpu::TextureFormat,
) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    })
}

fn write(
    queue: &wgpu::Queue,
    texture: &wgpu::Texture,
    width: u32,
    height: u32,
    bytes: &[u8],
    bytes_per_pixel: u32,
) {
    queue.write_texture(
        texture.as_image_copy(),
        bytes,
        wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(width * bytes_per_pixel),
            rows_per_image: Some(height),
        },
        wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_cover_a_length_once_and_fit_with_their_apron() {
        for (length, limit) in [(1, 8), (8, 8), (9, 8), (100, 8), (13_001, 8192), (65_000, 16_384)]
        {
            let spans = spans(length, limit);
            let mut next = 0;
            for &(start, count) in &spans {
                assert_eq!(start, next, "no gap and no overlap");
                assert!(count > 0);
                let apron = u32::from(start > 0) + u32::from(start + count < length);
                assert!(count + apron <= limit);
                next = start + count;
            }
            assert_eq!(next, length);
        }
    }
}
